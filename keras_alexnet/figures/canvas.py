"""Figures that are drawn into files, whatever screen and settings the user has.

To be imported before Keras, which imports matplotlib: that fails where MPLBACKEND names
a backend that is not there, though a file needs none.
"""

import io
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from keras_alexnet.figures.caption import LINE, MARGIN, Caption
from tfrecords.errors import UserError
from tfrecords.files import disk_error, write_atomically

_BACKEND = os.environ.pop("MPLBACKEND", None)
try:
    import matplotlib
    from matplotlib.backend_bases import FigureCanvasBase
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
finally:
    if _BACKEND is not None:
        os.environ["MPLBACKEND"] = _BACKEND
if _BACKEND:
    with suppress(ValueError):  # for the windows of the user's own program
        matplotlib.rcParams["backend"] = _BACKEND

DPI = 120  # pixels in an inch of a PNG
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


@contextmanager
def captioned_figure(
    out: Path | str, width: float, height: float, caption: Caption, dpi: int = DPI
) -> Iterator[Figure]:
    """Give an empty figure with a caption below it, and save it in the end.

    Args:
        out: Picture file, as in `save_figure`.
        width: In inches.
        height: In inches, of what is drawn; the caption adds its lines. What is drawn
            is laid out above it; `drawing_area` is for axes with a place of their own.
        caption: What stands below.
        dpi: Pixels in an inch.

    Raises:
        UserError: As `save_figure`.
    """
    check_picture_file(Path(out))
    lines = caption.lines(width)
    strip = len(lines) * LINE + MARGIN
    total = height + strip
    with new_figure(width, total) as figure:
        area = (0, strip / total, 1, height / total)
        figure.set_layout_engine(ConstrainedLayoutEngine(rect=area))
        for number, line in enumerate(lines):
            figure.text(
                MARGIN / width,
                (strip - number * LINE) / total,
                line.text,
                size=line.size,
                family=line.family,
                color=line.colour,
                va="top",
                parse_math=False,  # a dollar sign in a name is one
            )
        yield figure
        # Axes of a fixed aspect move once more when they have been laid out.
        with _boxes_for_letters():
            for _ in range(2):
                figure.draw_without_rendering()
            _settle(figure)
        save_figure(figure, Path(out), dpi)


def drawing_area(figure: Figure) -> tuple[float, float, float, float]:
    """Return left, bottom, width and height of what lies above a caption, 0 to 1.

    Nothing lays the figure out any more: its axes stay where they are put.
    """
    engine = figure.get_layout_engine()
    assert engine is not None
    area = engine.get()["rect"]
    figure.set_layout_engine("none")
    return area


def _settle(figure: Figure) -> None:
    """Leave the axes where they were laid out, to a millionth of the figure.

    The solver of the layout orders by addresses in memory, so that the last bits of a
    place, and with them the bytes of a file, differed now and then.
    """
    if not isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        return  # its axes are where they were put
    figure.set_layout_engine("none")
    for axes in figure.axes:
        left, bottom, width, height = axes.get_position(original=True).bounds
        place = (round(left, 6), round(bottom, 6), round(width, 6), round(height, 6))
        axes.set_position(place)


@contextmanager
def _boxes_for_letters() -> Iterator[None]:
    """Draw a box for each letter that the font lacks, without a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        yield


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
    with _boxes_for_letters():
        figure.savefig(picture, format=kind, dpi=dpi, metadata=_TIMELESS.get(kind))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, picture.getvalue())
    except OSError as error:
        raise disk_error(error, path) from None
