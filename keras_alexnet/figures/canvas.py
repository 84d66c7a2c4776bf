"""Figures that are drawn into files, whatever screen and settings the user has.

To be imported before Keras, which imports matplotlib: that fails where MPLBACKEND names
a backend that is not there, though a file needs none.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_BACKEND = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
    from matplotlib.figure import Figure
finally:
    if _BACKEND is not None:
        os.environ["MPLBACKEND"] = _BACKEND
if _BACKEND:
    with suppress(ValueError):  # for the windows of the user's own program
        matplotlib.rcParams["backend"] = _BACKEND


@contextmanager
def new_figure(width: float, height: float, **options: Any) -> Iterator[Figure]:
    """Give an empty figure, and matplotlib's own settings until it is saved.

    Args:
        width: In inches.
        height: In inches.
        options: Of `matplotlib.figure.Figure`.
    """
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        yield Figure(figsize=(width, height), **options)
