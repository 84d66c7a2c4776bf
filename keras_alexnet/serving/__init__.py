"""A trained network that answers over HTTP."""
