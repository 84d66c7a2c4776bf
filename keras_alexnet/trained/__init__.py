"""A trained network and the folder that it lies in."""
