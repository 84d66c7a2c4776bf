"""Training through `model.fit`: the paper's update rule, plateaus and run folders."""
