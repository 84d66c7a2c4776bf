"""Other people's weights: a file a format, and what becomes of them."""
