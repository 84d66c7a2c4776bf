"""The pictures that a network is most surely wrong about, on one sheet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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
from tfrecords.errors import UserError
from tfrecords.ranges import check_count

if TYPE_CHECKING:
    from keras_alexnet.evaluation.worst import WorstError

COLUMNS = 6
_LETTERS = 26  # in a line of words, which are narrower than names of files


def check_worst_sheet(out: Path, count: int) -> None:
    """Refuse a sheet that could not be drawn, before anything is evaluated.

    Raises:
        UserError: Another kind of file, or too many pictures.
    """
    check_picture_file(out)
    check_count("worst_count for a sheet", count, most=MOST_PICTURES)


def worst_caption(paths: Sequence[Path], split: str, views: int) -> Caption:
    """Return what stands under a sheet; arguments are those of `alexnet evaluate`."""
    text = (
        f"Pictures of split {split} whose wrong guess had the highest probability: "
        "true class, guess, file."
    )
    options = {"views": views, "split": split}
    return Caption.of(text, "", paths, "evaluate", **options)


def draw_worst(
    worst: "Sequence[WorstError]", names: Sequence[str], out: Path, caption: Caption
) -> None:
    """Draw the central square of each picture as it is stored, row by row.

    Under it stand the true class, the guess with its probability, and the name of the
    picture.

    Args:
        worst: At least one, in the order of the sheet.
        names: What to call the classes, in label order.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf). The same
            pictures give the same bytes.
        caption: What stands under the sheet.

    Raises:
        UserError: There is none, another kind of file, or it cannot be written.
    """
    if not worst:
        raise UserError(
            f"Expected a wrong guess to draw, there is none: {out} is not written."
        )
    columns = min(COLUMNS, len(worst))
    width, rows = columns * (SIDE + GAP) + GAP, -(-len(worst) // columns)
    found = squares([each.picture.picture for each in worst], apply_exif=False)
    with new_sheet(out, width, rows, caption) as axes:
        for place, (each, square) in enumerate(zip(worst, found, strict=True)):
            row, column = divmod(place, columns)
            left, top = GAP + column * (SIDE + GAP), GAP + row * (SIDE + TEXT)
            draw_square(axes, left, top, square, _lines(each, names))


def _lines(each: "WorstError", names: Sequence[str]) -> list[str]:
    """Return the lines under a picture: what it is, what it was taken for, its name."""
    sure = f"{each.probability:.0%}" if each.probability < 0.995 else ">99%"
    before, after = "guess: ", f" {sure}"
    room = _LETTERS - len(before) - len(after)
    return [
        shortened(names[each.label], _LETTERS),
        f"{before}{shortened(names[each.guess], room)}{after}",
        shortened(Path(each.picture.name).name, NAME_LETTERS),
    ]
