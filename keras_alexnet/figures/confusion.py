"""Which classes a network takes for which."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_alexnet.figures.canvas import captioned_figure
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.class_names import ClassNames
from keras_alexnet.figures.colours import shades
from keras_alexnet.figures.paths import read_evaluation
from tfrecords.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_NAMED = 40  # classes that have room for names and numbers


def draw(
    paths: Sequence[Path | str], out: Path | str, *, data: Path | None = None
) -> None:
    """Draw the confusion matrix: a row a true class, a column a first guess.

    A cell is as dark as the share of the pictures of its row. Up to 40 classes have
    their names, and each cell the number of its pictures.

    Args:
        paths: One JSON file of `alexnet evaluate --json`.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).
        data: Dataset folder of the same classes, whose words are shown in place of
            WordNet ids.

    Raises:
        UserError: It is another file, the dataset is of other classes, or the figure
            cannot be written.
    """
    document = read_evaluation(paths, "confusion")
    matrix, labels = read_confusion(document, Path(paths[0]))
    names = ClassNames(labels, data)
    images = int(matrix.sum())
    text = (
        f"{images:,} pictures of {len(labels)} classes; row: true class, column: first "
        f"guess. Right: {np.trace(matrix) / images:.1%}. Shade: share of a row's "
        "pictures."
    )
    side = float(np.clip(0.42 * len(labels), 2.6, 9.0))
    caption = Caption.of(text, "confusion", paths, data=data)
    with captioned_figure(out, side + 2.2, side + 1.2, caption) as figure:
        axes = figure.add_subplot()
        image = draw_matrix(axes, matrix, names.shown)
        figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)


def read_confusion(document: dict, path: Path) -> tuple[np.ndarray, list[str]]:
    """Return int64 `(classes, classes)` and class names of an evaluation's JSON.

    Raises:
        UserError: They do not fit each other, or there is no picture.
    """
    try:
        matrix = np.array(document["confusion"], np.int64)
        labels = [str(row["class"]) for row in document["classes"]]
        fits = matrix.shape == (len(labels), len(labels)) and matrix.min() >= 0
    except (KeyError, TypeError, ValueError, OverflowError):
        fits = False
    if not fits or not matrix.sum():
        raise UserError(
            f"Expected a square confusion matrix with pictures, and a class for each "
            f"of its rows, in {path}. Evaluate again with --json."
        )
    return matrix, labels


def draw_matrix(axes: "Axes", matrix: np.ndarray, names: Sequence[str]):
    """Draw the shares of rows, and where there is room names and numbers.

    Args:
        axes: Where.
        matrix: int `(classes, classes)`.
        names: Of the classes.

    Returns:
        The image of the shares, for a colour bar.
    """
    totals = matrix.sum(axis=1, keepdims=True)
    shares = matrix / np.maximum(totals, 1)
    image = axes.imshow(shares, cmap=shades(), vmin=0, vmax=1, interpolation="nearest")
    axes.set(xlabel="first guess", ylabel="true class")
    if len(names) > MOST_NAMED:
        return image
    places = range(len(names))
    axes.set_xticks(places, names, rotation=90, size=8, parse_math=False)
    axes.set_yticks(places, names, size=8, parse_math=False)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        dark = shares[row, column] > 0.5
        axes.text(
            *(column, row, str(matrix[row, column])),
            size=8 if len(names) <= 20 else 5,
            ha="center",
            va="center",
            color="white" if dark else "black",
            weight="bold" if row == column else "normal",
        )
    return image
