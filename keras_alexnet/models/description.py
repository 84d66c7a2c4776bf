"""What a network's layers are: shapes, receptive fields, operations and memory."""

import math
from dataclasses import asdict, dataclass
from typing import Any

from keras_alexnet.models.geometry import (
    CONV1_STRIDE,
    IN_MAP_WINDOW,
    KERNELS,
    conv_mode,
    map_sizes,
    zero_padding,
)
from keras_alexnet.models.layer_names import layer_aliases, layer_names
from keras_alexnet.models.layer_table import layer_table
from keras_alexnet.models.lenet_geometry import LENET_UNITS, LENET_WINDOWS, lenet_maps
from keras_alexnet.models.memory import WIDE, inference_memory, training_memory
from keras_alexnet.models.small_geometry import POOL, POOL_STRIDE, small_map_sizes
from keras_alexnet.presets import AnyPreset, LenetPreset, SmallPreset
from keras_alexnet.presets.small_preset import InMapNorm


@dataclass(frozen=True)
class LayerDescription:
    """One layer, for one image.

    Attributes:
        name: As `alexnet features --layer` takes it.
        aliases: Other people's names for it.
        shape: Rows, columns and channels of its maps, or its units.
        parameters: Elements of its kernel and bias; those of `conv1` stand with
            `conv1_pre`, which has the kernel.
        receptive_field: Side in pixels of the square of the input that a unit sees,
            where neither it nor a layer below it meets the edge; of fully connected
            layers the whole input's.
        stride: Pixels of the input from one unit to the next; 0 where there is one.
        offset: Row and column of the input, from 0, at which the first unit's square
            begins; below 0 where zeros lie before it. That of unit i begins at `offset
            + i * stride`. 0 of fully connected layers.
        macs: Multiply-adds of its convolution or product.
        bytes: Of its output in float32.
    """

    name: str
    aliases: tuple[str, ...]
    shape: tuple[int, ...]
    parameters: int
    receptive_field: int
    stride: int
    offset: int
    macs: int
    bytes: int


def describe_layers(
    preset: AnyPreset, num_classes: int = 1000
) -> list[LayerDescription]:
    """Return the layers of a network in order, without building it."""
    table, shapes = layer_table(preset, num_classes), _shapes(preset, num_classes)
    aliases: dict[str, list[str]] = {}
    for alias, name in layer_aliases(preset).items():
        aliases.setdefault(name, []).append(alias)
    field, stride, offset = 1, 1, 0
    found: list[LayerDescription] = []
    names = layer_names(preset)
    for name in names:
        layer = name.removesuffix("_pre")
        size, step, zeros = _window(preset, name)
        field, offset = field + (size - 1) * stride, offset - zeros * stride
        stride *= step
        shape = shapes.get(layer) or found[-1].shape
        is_map, one = len(shape) == 3, math.prod(shape[:-1]) == 1
        weights = None if f"{name}_pre" in names else table.get(layer)
        found.append(
            LayerDescription(
                name,
                tuple(aliases.get(name, ())),
                shape,
                weights.parameters if weights else 0,
                field if is_map else preset.input_size,
                0 if one else stride,
                offset if is_map else 0,
                weights.macs if weights else 0,
                WIDE * math.prod(shape),
            )
        )
    return found


def describe_network(preset: AnyPreset, num_classes: int = 1000) -> dict[str, Any]:
    """Return all that a preset says, for JSON: layers, sums, memory, shape and recipe.

    `memory` has bytes by estimate: `fixed`, whatever the batch, and `image`, for each
    image of it, in inference and in training.
    """
    layers = describe_layers(preset, num_classes)
    fields = asdict(preset)
    memory = {
        "inference": asdict(inference_memory(preset, num_classes)),
        "training": asdict(training_memory(preset, num_classes)),
    }
    return {
        "preset": preset.name,
        "description": preset.description,
        "num_classes": num_classes,
        "layers": [asdict(layer) for layer in layers],
        "parameters": sum(layer.parameters for layer in layers),
        "macs": sum(layer.macs for layer in layers),
        "memory": memory,
        "network": {name: fields[name] for name in preset.network},
        "recipe": fields["recipe"],
    }


def _window(preset: AnyPreset, name: str) -> tuple[int, int, int]:
    """Return the side of what a unit reads of the maps below, the step, zeros before.

    The zeros are those that lie before the first unit's window.
    """
    if isinstance(preset, LenetPreset):
        return *_lenet_window(name), 0
    if isinstance(preset, SmallPreset):
        return _small_window(preset, name)
    if name.startswith("pool"):  # 2 x 2 windows have zeros at the end alone
        return (3 if preset.pooling == "overlapping" else 2), 2, 0
    if name.startswith("conv") and name.endswith("_pre"):
        number = int(name[4])
        size = KERNELS[number - 1]
        zeros, _ = zero_padding(preset, number)
        if conv_mode(preset, number) == "same":
            zeros += size // 2
        return size, CONV1_STRIDE if number == 1 else 1, zeros
    size = IN_MAP_WINDOW if name.startswith("in_map") else 1
    return size, 1, size // 2


def _lenet_window(name: str) -> tuple[int, int]:
    if name.endswith("_pre"):
        return LENET_WINDOWS.get(name.removesuffix("_pre"), 1), 1
    return (LENET_WINDOWS[name],) * 2 if name.startswith("s") else (1, 1)


def _small_window(preset: SmallPreset, name: str) -> tuple[int, int, int]:
    if name.startswith("pool"):
        below = preset.convolutions[int(name.removeprefix("pool")) - 1]
        side = small_map_sizes(preset)[below]
        # What "same" adds is halved; of an odd number the rest lies after.
        return POOL, POOL_STRIDE, (1 if side % POOL_STRIDE else 0)
    if name.startswith("norm") and isinstance(preset.lrn, InMapNorm):
        size = preset.lrn.size
    else:
        convolved = (f"{layer}_pre" for layer in preset.convolutions)
        size = dict(zip(convolved, preset.kernels, strict=True)).get(name, 1)
    return size, 1, size // 2


def _shapes(preset: AnyPreset, num_classes: int) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all but layers that keep that of the layer before."""
    if isinstance(preset, LenetPreset):
        dense = {"f6": (LENET_UNITS,), preset.head: (num_classes,)}
        return {**lenet_maps(preset), **dense}
    if isinstance(preset, SmallPreset):
        sides, units = small_map_sizes(preset), preset.units
    else:
        sides, units = map_sizes(preset), (preset.units,) * len(preset.hidden)
        sides |= dict.fromkeys(("conv3", "conv4"), sides["pool2"])
    shapes: dict[str, tuple[int, ...]] = {
        name: (side, side, preset.filters[int(name[-1]) - 1])
        for name, side in sides.items()
    }
    shapes |= {name: (n,) for name, n in zip(preset.hidden, units, strict=True)}
    return {**shapes, preset.head: (num_classes,)}
