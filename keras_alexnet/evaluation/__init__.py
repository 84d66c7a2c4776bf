"""Error rates of trained networks, and predictions for single pictures."""
