"""Networks that run where none of our code is."""
