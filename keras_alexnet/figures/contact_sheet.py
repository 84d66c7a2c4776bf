"""Sheets of small pictures with lines of text under them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from keras_alexnet.data.picture import decode_picture
from keras_alexnet.figures.canvas import new_figure, save_figure
from keras_alexnet.inference.picture_bytes import Picture, answer_pictures
from tfrecords.plain_text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 100
SIDE, GAP, TEXT = 128, 12, 40  # pixels: of a picture, beside it, and under it
MOST_PICTURES = 300  # in a sheet: neither side is more than a PNG can be drawn with
_MOST_LETTERS = 22  # that are as wide as a picture


@contextmanager
def new_sheet(out: Path, width: int, rows: int) -> Iterator["Axes"]:
    """Give axes in pixels from the upper left corner, and save them as a picture.

    Args:
        out: Picture file; its suffix decides the format (.png, .svg, .pdf). The same
            drawing gives the same bytes.
        width: In pixels.
        rows: Of pictures with text.

    Raises:
        UserError: Another kind of file, or it cannot be written.
    """
    height = rows * (SIDE + TEXT) + GAP
    with new_figure(width / DPI, height / DPI) as figure:
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        yield axes
        save_figure(figure, out, DPI)


def squares(
    pictures: Sequence[Picture], apply_exif: bool = True
) -> list[np.ndarray | None]:
    """Return the central square of each, uint8 `(SIDE, SIDE, 3)`.

    None stands for a picture that cannot be read.

    Args:
        pictures: As people give them, or as they are stored.
        apply_exif: Turn them as their EXIF orientation says. What is stored is turned
            already where the build was told to.
    """
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


def shortened(name: str, most: int = _MOST_LETTERS) -> str:
    """Return a name in plain text, its middle left out where it is too long."""
    name = printable(name)
    if len(name) <= most:
        return name
    half = most // 2
    return f"{name[: half - 1]}…{name[-half:]}"


def _decoded(apply_exif: bool, encoded: tf.Tensor) -> list[np.ndarray]:
    with tf.device("CPU:0"):
        found = [decode_picture(each, SIDE, "bicubic", apply_exif) for each in encoded]
    return [square.numpy().astype(np.uint8) for square in found]
