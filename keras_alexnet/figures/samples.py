"""Pictures of each class of a dataset, to look at before training."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_alexnet.figures.canvas import (
    captioned_figure,
    check_picture_file,
    drawing_area,
)
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.class_names import ClassNames
from keras_alexnet.figures.paths import only_path
from tfrecords import Manifest
from tfrecords.errors import UserError
from tfrecords.ranges import check_count

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DPI = 100
GAP, TEXT = 4, 150  # pixels: between two pictures, before a row
_LEAST_SIDE = 64  # pixels; smaller pictures are enlarged, each pixel to a square
_MOST_SIDE = 2**15  # pixels of a sheet; a PNG can have no more than twice as many


def draw(
    paths: Sequence[Path | str],
    out: Path | str,
    *,
    split: str = "train",
    count: int = 8,
    classes: int = 10,
    seed: int = 0,
) -> None:
    """Draw a row of pictures of each class, as they are stored, with its label.

    Args:
        paths: One dataset folder.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).
        split: Split of the dataset.
        count: Pictures of each class.
        classes: Rows: all classes if there are no more, else so many drawn by the seed.
        seed: Of the draw.

    Raises:
        UserError: It is no dataset, has no such split, a number is out of its range,
            there would be too many pictures, or the file cannot be written.
    """
    path = only_path(paths, "one dataset folder")
    check_count("count", count)
    check_count("classes", classes)
    check_count("seed", seed, 0)
    check_picture_file(Path(out))
    manifest = Manifest.load(path)
    labels = _drawn(manifest.num_classes, classes, seed)
    side = manifest.image_size * -(-_LEAST_SIDE // manifest.image_size)
    width, height = _sheet(side, len(labels), count)
    from keras_alexnet.data.sample import sample_classes

    pictures = sample_classes(path, split=split, classes=labels, count=count, seed=seed)
    names = ClassNames(manifest.labels, path)
    counts = manifest.class_counts[split]
    size = manifest.image_size
    text = (
        f"{len(labels)} of {manifest.num_classes} classes of split {split}, "
        f"{manifest.count(split):,} pictures of {size} x {size} pixels, as they are "
        "stored. Before each row: class, label, pictures of it."
    )
    options: dict[str, Any] = {"split": split, "count": count}
    options |= {"classes": classes, "seed": seed}
    caption = Caption.of(text, "samples", [path], **options)
    with captioned_figure(out, width / DPI, height / DPI, caption, DPI) as figure:
        area = drawing_area(figure)
        axes = figure.add_axes(area, xlim=(0, width), ylim=(height, 0))
        axes.set_axis_off()
        for row, label in enumerate(labels):
            name = f"{names.shown[label]}\nlabel {label}, {counts[label]:,}"
            draw_row(axes, GAP + row * (side + GAP), side, name, pictures[label])


def draw_row(
    axes: "Axes", top: int, side: int, name: str, pictures: np.ndarray
) -> None:
    """Draw pictures side by side, behind their name.

    Args:
        axes: Where; a unit is a pixel.
        top: Where the row begins.
        side: Of a drawn picture.
        name: Foreign text.
        pictures: uint8 `(pictures, rows, columns, 3)`.
    """
    axes.text(
        *(TEXT - 2 * GAP, top + side / 2, name),
        size=8,
        ha="right",
        va="center",
        parse_math=False,
    )
    for column, picture in enumerate(pictures):
        left = TEXT + column * (side + GAP)
        place = (left, left + side, top + side, top)
        axes.imshow(picture, extent=place, interpolation="nearest", aspect="auto")


def _sheet(side: int, rows: int, columns: int) -> tuple[int, int]:
    """Return width and height in pixels, or raise UserError."""
    width = TEXT + columns * (side + GAP) + GAP
    height = rows * (side + GAP) + GAP
    if max(width, height) > _MOST_SIDE:
        raise UserError(
            f"Expected a sheet of at most {_MOST_SIDE} pixels a side, got {width} x "
            f"{height}. Give a smaller --count or --classes."
        )
    return width, height


def _drawn(num_classes: int, most: int, seed: int) -> list[int]:
    if num_classes <= most:
        return list(range(num_classes))
    drawn = np.random.default_rng(seed).permutation(num_classes)[:most]
    return sorted(drawn.tolist())
