"""Figures that are drawn into files, whatever screen and settings the user has.

To be imported before Keras, which imports matplotlib: that fails where MPLBACKEND names
a backend that is not there, though a file needs none.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tfrecords.errors import UserError
from tfrecords.files import disk_error, write_atomically

_BACKEND = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
    from matplotlib.backend_bases import FigureCanvasBase
    from matplotlib.figure import Figure
finally:
    if _BACKEND is not None:
        os.environ["MPLBACKEND"] = _BACKEND
if _BACKEND:
    with suppress(ValueError):  # for the windows of the user's own program
        matplotlib.rcParams["backend"] = _BACKEND

# What would make the bytes of two days differ.
_TIMELESS = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


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
        matplotlib.rcParams["svg.hashsalt"] = "alexnet"  # else drawn by lot
        yield Figure(figsize=(width, height), **options)


def check_picture_file(path: Path) -> str:
    """Return the format that the suffix of a picture file means, such as `png`.

    Raises:
        UserError: matplotlib cannot draw such a file.
    """
    kind = path.suffix.lstrip(".").lower() or "png"
    if kind not in FigureCanvasBase.get_supported_filetypes():
        raise UserError(
            f"Expected a picture named .png, .svg or .pdf, got {path.name}."
        )
    return kind


def save_figure(figure: Figure, path: Path, dpi: int) -> None:
    """Write a figure in the format that the suffix means, whole or not at all.

    The same figure gives the same bytes. Missing folders are made.

    Args:
        figure: Of `new_figure`, whose block is not left yet.
        path: Picture file.
        dpi: Pixels in an inch.

    Raises:
        UserError: matplotlib cannot draw such a file, or it cannot be written.
    """
    kind = check_picture_file(path)
    picture = io.BytesIO()
    figure.savefig(picture, format=kind, dpi=dpi, metadata=_TIMELESS.get(kind))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, picture.getvalue())
    except OSError as error:
        raise disk_error(error, path) from None
