"""The page of a training run, or of several beside each other."""
