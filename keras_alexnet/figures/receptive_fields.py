"""What the units of each layer see of the input."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_alexnet.figures.canvas import captioned_figure
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.colours import OKABE_ITO
from keras_alexnet.figures.paths import only_path
from keras_alexnet.models.description import LayerDescription, describe_layers
from keras_alexnet.presets import PRESETS, SMALL_PRESETS, AnyPreset, named_preset
from keras_alexnet.trained.config_file import read_config
from tfrecords.errors import UserError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DASHES = ("-", "--", "-.", ":")
_HEAD = ("layer", "map", "field", "stride", "offset", "middle unit sees")


def draw(paths: Sequence[Path | str], out: Path | str) -> None:
    """Draw the squares of the input that the middle units of conv1 to pool5 see.

    Beside them stand size, stride and offset of each layer's receptive fields, which
    follow from its windows and zeros.

    Args:
        paths: One preset, such as `released`, or one run or network folder.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).

    Raises:
        UserError: It is neither, or the file cannot be written.
    """
    path = only_path(paths, "one preset or network folder")
    preset = _preset(path)
    layers = widening_layers(preset)
    side = preset.input_size
    text = (
        f"Preset {preset.name}, input of {side} x {side} pixels (grey); squares are to "
        "scale, and reach beyond the input where zeros are added. A window of k with "
        "step s and p zeros before it makes of field f, stride t, offset o below it: "
        "f + (k - 1) t, t s, o - p t. Unit i sees pixels o + i t to o + i t + f - 1."
    )
    caption = Caption.of(text, "receptive_fields", [path])
    with captioned_figure(out, 9.6, 5, caption) as figure:
        left, right = figure.subplots(1, 2, width_ratios=[1, 0.95])
        draw_squares(left, layers, side)
        write_table(right, layers)


def _preset(path: Path) -> AnyPreset:
    known = [*PRESETS, *SMALL_PRESETS]
    if str(path) in known:
        return named_preset(str(path))
    if not path.exists():
        raise UserError(
            f"Expected a network folder or a preset of {', '.join(known)}; got {path}."
        )
    return read_config(path).preset


def widening_layers(preset: AnyPreset) -> list[LayerDescription]:
    """Return the layers with maps whose units see more than those of the layer below.

    Their names are without `_pre`: conv1 is a layer's, before and after its activation.
    """
    field, found = 1, []
    for layer in describe_layers(preset):
        if len(layer.shape) == 3 and layer.receptive_field > field:
            field = layer.receptive_field
            found.append(layer)
    return found


def middle_square(layer: LayerDescription) -> tuple[int, int]:
    """Return the first and the last row of the input that the middle unit sees.

    Its place is `(side - 1) // 2`. Columns are the same; rows below 0 and beyond the
    input are of zeros that are added.
    """
    first = layer.offset + layer.stride * ((layer.shape[0] - 1) // 2)
    return first, first + layer.receptive_field - 1


def draw_squares(axes: "Axes", layers: Sequence[LayerDescription], side: int) -> None:
    """Draw the input in grey, and on it the square of each layer's middle unit."""
    axes.fill([0, side, side, 0], [0, 0, side, side], color="0.88", zorder=0)
    squares = [middle_square(layer) for layer in layers]
    for number, (layer, (first, last)) in enumerate(zip(layers, squares, strict=True)):
        low, high = first, last + 1  # edges: a pixel is 1 wide
        colour = OKABE_ITO[number % len(OKABE_ITO)]
        axes.plot(
            *([low, high, high, low, low], [low, low, high, high, low]),
            color=colour,
            linestyle=_DASHES[number % len(_DASHES)],
            linewidth=1.6,
        )
        # Of the smallest square below it, where the next one's name is not.
        axes.annotate(
            *(
                f"{_name(layer)} {layer.receptive_field}",
                (low, low if number else high),
            ),
            xytext=(2, -1.5),
            textcoords="offset points",
            va="top",
            size=6.5,
            bbox={"facecolor": "white", "alpha": 0.7, "pad": 0.3, "linewidth": 0},
        )
    lowest = min(0, *(first for first, _ in squares))
    highest = max(side, *(last + 1 for _, last in squares))
    axes.set(xlim=(lowest - 2, highest + 2), ylim=(highest + 2, lowest - 2))
    axes.set(xlabel="column of the input", ylabel="row", aspect="equal")


def write_table(axes: "Axes", layers: Sequence[LayerDescription]) -> None:
    """Write a row a layer: map, field, stride, offset, what the middle unit sees."""
    axes.set_axis_off()
    rows = [_HEAD] + [
        (
            _name(layer),
            f"{layer.shape[0]} x {layer.shape[1]}",
            str(layer.receptive_field),
            str(layer.stride),
            str(layer.offset),
            "{} to {}".format(*middle_square(layer)),
        )
        for layer in layers
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    ]
    axes.text(
        *(0, 0.5, "\n".join(lines)),
        family="monospace",
        size=8,
        va="center",
        linespacing=2,
        transform=axes.transAxes,
    )


def _name(layer: LayerDescription) -> str:
    return layer.name.removesuffix("_pre")
