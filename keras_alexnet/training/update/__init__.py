"""What a step does to the weights, and when the rate drops."""
