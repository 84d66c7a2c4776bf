"""The kernels of conv1, tower by tower (figure 3)."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_alexnet.figures.canvas import captioned_figure
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.paths import load_network, only_path
from keras_alexnet.inference.colour_index import colour_index

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 16  # as in the paper: three rows a tower
_GAP = 0.3  # of a kernel's side, below it; a tenth beside it
_INCHES = 0.5  # of a kernel


def draw(paths: Sequence[Path | str], out: Path | str) -> None:
    """Draw the kernels of the first convolution, the first tower's above the second's.

    Each is scaled from its least weight to its largest. The bar under it is its colour
    index, the share of its energy that is off the grey axis: none for a kernel in grey,
    the whole width for one that grey leaves cold.

    Args:
        paths: One run or network folder.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).

    Raises:
        UserError: It is no network or an export, which has no kernels that can be
            looked at, or the file cannot be written.
    """
    path = only_path(paths, "one run or network folder")
    layer = load_network(path).first_layer()
    pictures = layer.kernels
    index = colour_index(layer.kernel)
    channels = np.array_split(np.arange(len(pictures)), layer.towers)
    rows = [-(-len(each) // COLUMNS) for each in channels]
    text = _text(pictures.shape, [float(index[each].mean()) for each in channels])
    width = COLUMNS * _INCHES * 1.1 + 0.4
    height = sum(rows) * _INCHES * (1 + _GAP) + 0.35 * len(rows)
    caption = Caption.of(text, "kernels", [path])
    with captioned_figure(out, width, height, caption) as figure:
        grid = figure.subplots(len(rows), height_ratios=rows, squeeze=False)
        for tower, (axes, those) in enumerate(zip(grid[:, 0], channels, strict=True)):
            name = f"tower {tower + 1}, " if len(rows) > 1 else ""
            axes.set_title(
                f"{name}channels {those[0] + 1} to {those[-1] + 1}: "
                f"mean colour index {index[those].mean():.2f}",
                size=9,
                loc="left",
            )
            draw_kernels(axes, pictures[those], index[those])


def draw_kernels(axes: "Axes", pictures: np.ndarray, index: np.ndarray) -> None:
    """Draw kernels row by row, and under each a bar of its colour index.

    Args:
        axes: Where; a kernel is 1 wide and high.
        pictures: uint8 `(kernels, rows, columns, 3)`.
        index: float `(kernels,)` of 0 to 1.
    """
    columns = min(COLUMNS, len(pictures))
    rows = -(-len(pictures) // columns)
    for number, (picture, value) in enumerate(zip(pictures, index, strict=True)):
        row, column = divmod(number, columns)
        left, top = column * 1.1, row * (1 + _GAP)
        place = (left, left + 1, top + 1, top)
        axes.imshow(picture, extent=place, interpolation="nearest")
        middle = top + 1 + _GAP / 2
        axes.plot([left, left + 1], [middle, middle], color="0.8", linewidth=0.8)
        axes.plot(
            *([left, left + value], [middle, middle]),
            color="black",
            linewidth=2.5,
            solid_capstyle="butt",
        )
    axes.set(xlim=(-0.05, columns * 1.1), ylim=(rows * (1 + _GAP), -0.05))
    axes.set_aspect("equal", anchor="W")
    axes.set_axis_off()


def _text(shape: tuple[int, ...], means: list[float]) -> str:
    count, rows, columns, _ = shape
    towers = ""
    if len(means) > 1:
        named = (f"{mean:.3f} in tower {n + 1}" for n, mean in enumerate(means))
        towers = f": {' and '.join(named)}, on average"
    return (
        f"The {count} kernels of conv1, {rows} x {columns} pixels, each from its least "
        "weight (black) to its largest. Bars: colour index, the share of a kernel's "
        "energy off the grey axis, 1 - sum((R+G+B)²/3) / sum(R²+G²+B²), from 0 to "
        f"1{towers or f', {means[0]:.3f} on average'}."
    )
