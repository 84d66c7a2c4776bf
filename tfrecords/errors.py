"""The one error that a user of this package is meant to read."""


class DatasetError(ValueError):
    """Says in one line what was expected, what arrived and what to do."""
