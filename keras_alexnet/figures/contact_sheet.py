"""Sheets of small pictures with lines of text under them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_alexnet.figures.canvas import captioned_figure, drawing_area
from keras_alexnet.figures.caption import Caption

if TYPE_CHECKING:
    import tensorflow as tf
    from matplotlib.axes import Axes

    from keras_alexnet.inference.picture_bytes import Picture

DPI = 100
SIDE, GAP, TEXT = 128, 12, 40  # pixels: of a picture, beside it, and under it
MOST_PICTURES = 300  # in a sheet: neither side is more than a PNG can be drawn with
NAME_LETTERS = 22  # that are as wide as a picture


@contextmanager
def new_sheet(out: Path, width: int, rows: int, caption: Caption) -> Iterator["Axes"]:
    """Give axes in pixels from the upper left corner, and save them as a picture.

    Args:
        out: Picture file; its suffix decides the format (.png, .svg, .pdf). The same
            drawing gives the same bytes.
        width: In pixels.
        rows: Of pictures with text.
        caption: What stands under them.

    Raises:
        UserError: Another kind of file, or it cannot be written.
    """
    height = rows * (SIDE + TEXT) + GAP
    with captioned_figure(out, width / DPI, height / DPI, caption, DPI) as figure:
        area = drawing_area(figure)
        axes = figure.add_axes(area, xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        yield axes


def squares(
    pictures: "Sequence[Picture]", apply_exif: bool = True
) -> list[np.ndarray | None]:
    """Return the central square of each, uint8 `(SIDE, SIDE, 3)`.

    None stands for a picture that cannot be read.

    Args:
        pictures: As people give them, or as they are stored.
        apply_exif: Turn them as their EXIF orientation says. What is stored is turned
            already where the build was told to.
    """
    from keras_alexnet.inference.picture_bytes import answer_pictures

    answers = answer_pictures(pictures, partial(_decoded, apply_exif))
    return [None if isinstance(answer, str) else answer for answer in answers]


def draw_square(
    axes: "Axes", left: int, top: int, square: np.ndarray | None, lines: Sequence[str]
) -> None:
    """Draw a picture, or an empty frame for None, and the lines under it."""
    right, bottom = left + SIDE, top + SIDE
    if square is not None:
        place = (left, right, bottom, top)
        axes.imshow(square, extent=place, interpolation="nearest", aspect="auto")
    else:
        across = (left, right, right, left, left)
        axes.plot(across, (top, top, bottom, bottom, top), color="0.6", linewidth=0.8)
    axes.text(
        *(left + SIDE / 2, bottom + 4, "\n".join(lines)),
        size=7,
        ha="center",
        va="top",
        parse_math=False,  # a dollar sign in a name is one
    )


def _decoded(apply_exif: bool, encoded: "tf.Tensor") -> list[np.ndarray]:
    import tensorflow as tf

    from keras_alexnet.data.picture import decode_picture

    with tf.device("CPU:0"):
        found = [decode_picture(each, SIDE, "bicubic", apply_exif) for each in encoded]
    return [square.numpy().astype(np.uint8) for square in found]
