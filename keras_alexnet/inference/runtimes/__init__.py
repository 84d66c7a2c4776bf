"""What computes a trained network."""
