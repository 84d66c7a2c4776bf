"""Pictures and those that a network sees as nearest, side by side (figure 4, right)."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.figures.canvas import check_picture_file
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.class_names import shortened
from keras_alexnet.figures.contact_sheet import (
    GAP,
    MOST_PICTURES,
    NAME_LETTERS,
    SIDE,
    TEXT,
    draw_square,
    new_sheet,
    squares,
)
from keras_alexnet.figures.paths import check_pictures_given, load_network
from tfrecords.errors import UserError
from tfrecords.ranges import check_count


def draw(
    paths: Sequence[Path | str],
    out: Path | str,
    *,
    count: int = 5,
    layer: str | None = None,
) -> None:
    """Draw a row for each picture: itself, then those nearest to it (section 6.1).

    It is the sheet of `alexnet neighbours`, which also prints and writes distances.

    Args:
        paths: The network that the index was made with, the index (.npy, .npz or .h5
            of `alexnet features`), and pictures.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).
        count: Neighbours of each picture.
        layer: Layer of the index whose features are compared; None: the one below the
            head, fc7.

    Raises:
        UserError: A path is something else, a picture cannot be read, the index is of
            another network, there are too many pictures, or the file cannot be written.
    """
    check_count("count", count)
    given = [Path(path) for path in paths]
    if len(given) < 3:
        raise UserError(f"Expected NETWORK INDEX PICTURE..., got {len(given)} path(s).")
    network, index, *pictures = given
    check_sheet(Path(out), len(pictures), count)
    check_pictures_given(pictures)
    opened = load_network(network)
    from keras_alexnet.trained.neighbour_search import NeighbourSearch

    answers = NeighbourSearch(opened, index, layer).answers(pictures, count)
    for answer in answers:
        if answer["error"]:
            raise UserError(
                f"Expected pictures that can be read; {answer['file']}: "
                f"{answer['error']}. Leave it out."
            )
    caption = sheet_caption(network, index, pictures, count, layer)
    draw_sheet(answers, Path(out), caption)


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


def sheet_caption(
    network: Path, index: Path, paths: Sequence[Path], count: int, layer: str | None
) -> Caption:
    """Return what stands under a sheet; arguments are those of `alexnet neighbours`."""
    text = (
        f"Left: pictures. Right: the {count} of the index whose features of "
        f"{layer or 'the layer below the classes'} are nearest, with their Euclidean "
        "distances."
    )
    given = [network, index, *paths]
    return Caption.of(text, "neighbours", given, count=count, layer=layer)


def draw_sheet(answers: Sequence[dict[str, Any]], out: Path, caption: Caption) -> None:
    """Draw a row for each query: itself, then its neighbours, the nearest first.

    Each is its central square, with its name under it, and of a neighbour distance and
    label. What has a label is of a dataset, and no file; it, and a file that cannot be
    read any more, is an empty frame.

    Args:
        answers: At least one; `file` and `neighbours` of each, with `file`, `distance`,
            `row` and `label`, which may be None.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf). The same
            answers and pictures give the same bytes.
        caption: What stands under the sheet.

    Raises:
        UserError: Another kind of file, or it cannot be written.
    """
    columns = 1 + max(len(answer["neighbours"]) for answer in answers)
    width = columns * (SIDE + GAP) + 2 * GAP
    with new_sheet(out, width, len(answers), caption) as axes:
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
    name = shortened(Path(each["file"]).name, NAME_LETTERS)
    if "distance" not in each:
        return [name]
    distance = f"{each['distance']:.4g}"
    if each["label"] is None:
        return [name, distance]
    return [name, f"{distance}, label {each['label']}, row {each['row']}"]
