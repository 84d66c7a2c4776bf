"""What memory a network takes: bytes that are always there, and bytes of an image."""

import math
from dataclasses import dataclass

from keras_alexnet.models.geometry import (
    CONVOLUTIONS,
    map_sizes,
    zero_padding,
)
from keras_alexnet.models.layer_table import CHANNELS, LayerSize, layer_table
from keras_alexnet.presets import AnyPreset, Preset

WIDE = 4  # bytes: float32, of weights, normalisations and logits
NARROW = {"mixed_bfloat16": 2, "mixed_float16": 2}  # bytes of an activation
# What comes and goes beside: the gradient of a normalisation has four tensors of its
# input's size at once beside what is kept, and an update four of its weight's.
_AT_ONCE = 4


@dataclass(frozen=True)
class NetworkMemory:
    """Bytes that a device needs, from arithmetic: an estimate, without any margin.

    Attributes:
        fixed: Whatever the batch: weights, and in training their velocities, their
            gradients, copies of 16 bits, and what an update has beside.
        image: For each image of the batch.
    """

    fixed: int
    image: int

    def images(self, available: float) -> int:
        """Return how many images fit in so many bytes; 0 if not even the weights do."""
        return max(0, int((available - self.fixed) // self.image))


def training_memory(preset: AnyPreset, num_classes: int = 1000) -> NetworkMemory:
    """Return what a training step takes on one device.

    `released` in float32: 1.34 GB, and 19.2 MB an image.

    Args:
        preset: Network and recipe, whose precision counts; `auto` is float32 here.
        num_classes: Number of logits.
    """
    table = layer_table(preset, num_classes)
    item = NARROW.get(preset.recipe.precision, WIDE)
    parameters = sum(row.parameters for row in table.values())
    copies = 0 if item == WIDE else 2 * item  # of a weight, and of its gradient
    updated = _AT_ONCE * WIDE * max(row.weights for row in table.values())
    if isinstance(preset, Preset):
        kept = _Kept(preset, table, item).bytes
    else:  # what layers give, and normalisations and pools of it, of about that size
        kept = 3 * WIDE * sum(row.places * row.biases for row in table.values())
    return NetworkMemory(
        (3 * WIDE + copies) * parameters + updated,
        kept + _AT_ONCE * _largest(preset, table) + _picture(preset),
    )


def inference_memory(preset: AnyPreset, num_classes: int = 1000) -> NetworkMemory:
    """Return what a forward pass takes on one device, in float32 or narrower.

    Args:
        preset: Network.
        num_classes: Number of logits.
    """
    table = layer_table(preset, num_classes)
    parameters = sum(row.parameters for row in table.values())
    image = (_AT_ONCE + 1) * _largest(preset, table) + _picture(preset)
    return NetworkMemory(WIDE * parameters, image)


def kept_bytes(preset: Preset, num_classes: int = 1000) -> int:
    """Return the bytes of an image that a training step keeps for its way back."""
    item = NARROW.get(preset.recipe.precision, WIDE)
    return _Kept(preset, layer_table(preset, num_classes), item).bytes


def _largest(preset: AnyPreset, table: dict[str, LayerSize]) -> int:
    """Return the bytes in float32 of the largest maps that a layer of weights gives."""
    convolved = (table[name] for name in preset.convolutions)
    return WIDE * max(row.places * row.biases for row in convolved)


def _picture(preset: AnyPreset) -> int:
    """Return the bytes of an image as it comes, in uint8, and less its mean."""
    return preset.input_size**2 * CHANNELS * (1 + WIDE)


@dataclass
class _Tensor:
    """An activation of one image."""

    elements: int
    item: int
    kept: bool = False


class _Kept:
    """Goes through a network as a step does, and adds up what its gradients read.

    Layers have the forms that they have on GPUs without XLA (`KernelForms`):
    normalisations written out, groups split. On CPUs the normalisations keep less.

    Attributes:
        bytes: Of all that is kept of one image.
    """

    def __init__(self, preset: Preset, table: dict[str, LayerSize], item: int) -> None:
        self.preset, self.table, self.item = preset, table, item
        self.bytes = 0
        sizes = map_sizes(preset)
        self.sides = {number: sizes.get(f"pool{number}", 0) for number in CONVOLUTIONS}
        x = _Tensor(preset.input_size**2 * CHANNELS, item)
        for number in CONVOLUTIONS:
            x = self._block(x, number)
        for name in ("fc6", "fc7"):
            x = self._hidden(x, table[name].biases)
        self._wide(x)
        for _ in ("logits", "their gradient"):
            self._keep(_Tensor(table["fc8"].biases, WIDE))

    def _keep(self, tensor: _Tensor) -> _Tensor:
        if not tensor.kept:
            self.bytes += tensor.elements * tensor.item
            tensor.kept = True
        return tensor

    def _wide(self, x: _Tensor) -> _Tensor:
        """Keep a tensor in float32: itself, or a copy of it."""
        return self._keep(x if x.item == WIDE else _Tensor(x.elements, WIDE))

    def _block(self, x: _Tensor, number: int) -> _Tensor:
        first, *steps = self.preset.blocks[number - 1]
        fused = first == "activation"
        x = self._convolve(x, number, fused)
        for step in steps if fused else (first, *steps):
            if step == "pool":
                self._keep(x)
                side, filters = self.sides[number], self.preset.filters[number - 1]
                x = self._keep(_Tensor(side**2 * filters, self.item))
            elif step == "activation":
                x = self._keep(_Tensor(x.elements, self.item))
            elif self.preset.lrn is not None:
                x = self._normalise(x)
        return x

    def _convolve(self, x: _Tensor, number: int, fused: bool) -> _Tensor:
        row, grouped = self.table[f"conv{number}"], self.preset.groups[number - 1] > 1
        before, after = zero_padding(self.preset, number)
        if before + after:
            channels = CHANNELS if number == 1 else self.preset.filters[number - 2]
            side = math.isqrt(row.inputs // channels) + before + after
            x = _Tensor(side**2 * channels, self.item)
        # A group is a copy, and so is what they give put together.
        self._keep(_Tensor(x.elements, self.item) if grouped else x)
        output = _Tensor(row.places * row.biases, self.item)
        if not fused:
            return output
        self._keep(output)
        relu = self.preset.activation == "relu"
        return _Tensor(output.elements, self.item) if grouped and relu else output

    def _normalise(self, x: _Tensor) -> _Tensor:
        x = self._wide(x)
        for _ in ("scale", "power"):
            self._keep(_Tensor(x.elements, WIDE))
        y = self._keep(_Tensor(x.elements, WIDE))
        return y if self.item == WIDE else _Tensor(x.elements, self.item)

    def _hidden(self, x: _Tensor, units: int) -> _Tensor:
        if self.preset.dropout is not None and self.preset.dropout_before:
            x = self._drop(x)
        self._keep(x)
        x = self._keep(_Tensor(units, self.item))
        if self.preset.dropout is not None and not self.preset.dropout_before:
            x = self._drop(x)
        return x

    def _drop(self, x: _Tensor) -> _Tensor:
        self._keep(_Tensor(x.elements, 1))  # the mask
        return _Tensor(x.elements, self.item)
