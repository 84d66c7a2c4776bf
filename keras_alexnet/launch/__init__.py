"""Several workers of one training on this machine, started and looked after."""
