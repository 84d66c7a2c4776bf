"""What two towers must send each other in a training step, from the layer table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf

from keras_alexnet.models.geometry import CONVOLUTIONS, map_sizes
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.towers.network import check_towers

Phase = Literal["forward", "backward"]


@dataclass(frozen=True)
class TowerCrossing:
    """One tensor that crosses from tower to tower.

    Attributes:
        reader: Layer whose input it is part of: conv3, fc6, fc7 or fc8; norm1 and norm2
            in networks whose normalisation reaches across the seam.
        phase: Forward, or the gradient on its way back.
        source: Tower that sends, 0 or 1.
        target: Tower that receives.
        bytes: Size in one step.
    """

    reader: str
    phase: Phase
    source: int
    target: int
    bytes: int


def tower_crossings(
    preset: Preset | str, batch_size: int, dtype: Any = "float32"
) -> list[TowerCrossing]:
    """Return all that crosses in one training step.

    Each tower sends its half of what conv3, fc6 and fc7 read; fc8 is with tower a, so
    only tower b sends for it. The gradient of each comes back. Weights, their gradients
    and their velocities never cross.

    Args:
        preset: A network of two towers, or its name.
        batch_size: Images in a step; both towers see all of them.
        dtype: Keras dtype policy: what crosses has its compute dtype.

    Raises:
        UserError: The network has no two towers.
    """
    fields = find_preset(preset) if isinstance(preset, str) else preset
    check_towers(fields, preset if isinstance(preset, str) else "this preset")
    item = tf.as_dtype(keras.dtype_policies.get(dtype).compute_dtype).size
    crossings = []
    for reader, count in _halves(fields):
        size = batch_size * count * item
        sources = (1,) if reader == "fc8" else (0, 1)
        for source in sources:
            crossings += [
                TowerCrossing(reader, "forward", source, 1 - source, size),
                TowerCrossing(reader, "backward", 1 - source, source, size),
            ]
    return crossings


def crossing_bytes(
    preset: Preset | str, batch_size: int, dtype: Any = "float32"
) -> int:
    """Return the bytes that cross in one step, both ways, forward and backward.

    The network of the paper sends 60,030,976 in float32 with batches of 128.
    """
    return sum(c.bytes for c in tower_crossings(preset, batch_size, dtype))


def _halves(preset: Preset) -> Iterator[tuple[str, int]]:
    """Yield each reader and the activations of one image that one tower sends it."""
    sizes = map_sizes(preset)
    inputs = {2: sizes["pool1"], **dict.fromkeys((3, 4, 5), sizes["pool2"])}
    for number in CONVOLUTIONS:
        if number > 1 and preset.groups[number - 1] == 1:
            filters = preset.filters[number - 2]
            yield f"conv{number}", inputs[number] ** 2 * filters // 2
        yield from _seam(preset, number, sizes)
    yield "fc6", sizes["pool5"] ** 2 * preset.filters[-1] // 2
    yield "fc7", preset.units // 2
    yield "fc8", preset.units // 2


def _seam(
    preset: Preset, number: int, sizes: dict[str, int]
) -> Iterator[tuple[str, int]]:
    steps = {1: preset.block1, 2: preset.block2}.get(number, ())
    if preset.lrn is None or preset.lrn.per_tower or "lrn" not in steps:
        return
    pooled = steps.index("pool") < steps.index("lrn")
    side = sizes[f"pool{number}" if pooled else f"conv{number}"]
    maps = min(preset.lrn.depth_radius, preset.filters[number - 1] // 2)
    if maps:
        yield f"norm{number}", side**2 * maps
