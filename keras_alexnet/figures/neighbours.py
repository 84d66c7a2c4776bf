"""Pictures and those that a network sees as nearest, side by side (figure 4, right)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from keras_alexnet.data.picture import decode_picture
from keras_alexnet.figures.canvas import check_picture_file, new_figure, save_figure
from keras_alexnet.inference.picture_bytes import answer_pictures
from tfrecords.errors import UserError
from tfrecords.plain_text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 100
SIDE, GAP, TEXT = 128, 12, 40  # pixels: of a picture, beside it, and under it
MOST_PICTURES = 300  # in a sheet: neither side is more than a PNG can be drawn with
_MOST_LETTERS = 22  # that are as wide as a picture


def check_sheet(out: Path, queries: int, count: int) -> None:
    """Refuse a sheet that could not be drawn, before anything is searched.

    Args:
        out: Its file.
        queries: Number of rows.
        count: Neighbours in a row.

    Raises:
        UserError: Another kind of file, or too many pictures.
    """
    check_picture_file(out)
    if queries * (count + 1) > MOST_PICTURES:
        raise UserError(
            f"Expected at most {MOST_PICTURES} pictures in a sheet, got {queries} rows "
            f"of {count + 1}. Give fewer queries or a smaller --count."
        )


def draw_sheet(answers: Sequence[dict[str, Any]], out: Path) -> None:
    """Draw a row for each query: itself, then its neighbours, the nearest first.

    Each is its central square, with its name under it, and of a neighbour distance and
    label. What has a label is of a dataset, and no file; it, and a file that cannot be
    read any more, is an empty frame.

    Args:
        answers: At least one; `file` and `neighbours` of each, with `file`, `distance`,
            `row` and `label`, which may be None.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf). The same
            answers and pictures give the same bytes.

    Raises:
        UserError: Another kind of file, or it cannot be written.
    """
    columns = 1 + max(len(answer["neighbours"]) for answer in answers)
    width = columns * (SIDE + GAP) + 2 * GAP
    height = len(answers) * (SIDE + TEXT) + GAP
    with new_figure(width / DPI, height / DPI) as figure:
        axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        for row, answer in enumerate(answers):
            top = GAP + row * (SIDE + TEXT)
            shown = [answer, *answer["neighbours"]]
            squares = _squares(shown)
            for column, (each, square) in enumerate(zip(shown, squares, strict=True)):
                # A wider gap parts the query from what was found.
                left = GAP + column * (SIDE + GAP) + (GAP if column else 0)
                _draw_picture(axes, left, top, square)
                _write(axes, left + SIDE / 2, top + SIDE + 4, _texts(each))
        save_figure(figure, out, DPI)


def _squares(shown: Sequence[dict[str, Any]]) -> list[np.ndarray | None]:
    """Return uint8 `(SIDE, SIDE, 3)` of each; None where there is no picture."""
    files = [each["file"] for each in shown if each.get("label") is None]
    found = iter(answer_pictures(files, _decoded))
    answers = (next(found) if each.get("label") is None else "" for each in shown)
    return [None if isinstance(answer, str) else answer for answer in answers]


def _decoded(encoded: tf.Tensor) -> list[np.ndarray]:
    with tf.device("CPU:0"):
        squares = [decode_picture(each, SIDE, "bicubic", True) for each in encoded]
    return [square.numpy().astype(np.uint8) for square in squares]


def _draw_picture(axes: "Axes", left: int, top: int, square: np.ndarray | None) -> None:
    right, bottom = left + SIDE, top + SIDE
    if square is not None:
        place = (left, right, bottom, top)
        axes.imshow(square, extent=place, interpolation="nearest", aspect="auto")
        return
    across, down = (left, right, right, left, left), (top, top, bottom, bottom, top)
    axes.plot(across, down, color="0.6", linewidth=0.8)


def _texts(each: dict[str, Any]) -> list[str]:
    """Return the lines under a picture."""
    name = printable(Path(each["file"]).name)
    if len(name) > _MOST_LETTERS:
        half = _MOST_LETTERS // 2
        name = f"{name[: half - 1]}…{name[-half:]}"
    if "distance" not in each:
        return [name]
    distance = f"{each['distance']:.4g}"
    if each["label"] is None:
        return [name, distance]
    return [name, f"{distance}, label {each['label']}, row {each['row']}"]


def _write(axes: "Axes", middle: float, top: float, lines: Sequence[str]) -> None:
    axes.text(
        *(middle, top, "\n".join(lines)),
        size=7,
        ha="center",
        va="top",
        parse_math=False,  # a dollar sign in a name is one
    )
