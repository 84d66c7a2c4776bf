"""Pictures and those that a network sees as nearest, side by side (figure 4, right)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.figures.canvas import check_picture_file
from keras_alexnet.figures.contact_sheet import (
    GAP,
    MOST_PICTURES,
    SIDE,
    TEXT,
    draw_square,
    new_sheet,
    shortened,
    squares,
)
from tfrecords.errors import UserError


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
    with new_sheet(out, width, len(answers)) as axes:
        for row, answer in enumerate(answers):
            top = GAP + row * (SIDE + TEXT)
            shown = [answer, *answer["neighbours"]]
            found = _squares(shown)
            for column, (each, square) in enumerate(zip(shown, found, strict=True)):
                # A wider gap parts the query from what was found.
                left = GAP + column * (SIDE + GAP) + (GAP if column else 0)
                draw_square(axes, left, top, square, _texts(each))


def _squares(shown: Sequence[dict[str, Any]]) -> list[np.ndarray | None]:
    """Return the picture of each; None where there is none."""
    files = [each["file"] for each in shown if each.get("label") is None]
    found = iter(squares(files))
    return [next(found) if each.get("label") is None else None for each in shown]


def _texts(each: dict[str, Any]) -> list[str]:
    """Return the lines under a picture."""
    name = shortened(Path(each["file"]).name)
    if "distance" not in each:
        return [name]
    distance = f"{each['distance']:.4g}"
    if each["label"] is None:
        return [name, distance]
    return [name, f"{distance}, label {each['label']}, row {each['row']}"]
