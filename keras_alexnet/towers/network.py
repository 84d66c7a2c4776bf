"""AlexNet in two towers, each on a device of its own (paper, section 3.5, figure 2)."""

from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf
from keras import layers

from keras_alexnet.models.geometry import CONVOLUTIONS
from keras_alexnet.models.network import HIDDEN, LAYOUT, NetworkBuilder, resolve
from keras_alexnet.presets import PRESETS, Preset
from keras_alexnet.presets.preset import Step
from keras_alexnet.towers.devices import tower_devices
from keras_alexnet.towers.layers import (
    TOWER_CLASSES,
    Exchange,
    SeamMaps,
    SeamNormalization,
)
from tfrecords.errors import UserError

LETTERS = ("a", "b")


def two_towers(
    preset: str | Preset = "released",
    num_classes: int = 1000,
    input_size: int | None = None,
    *,
    devices: Sequence[str] | None = ("GPU:0", "GPU:1"),
    own_images: bool = False,
    seed: int | None = None,
    dtype: Any = None,
    **overrides: Any,
) -> keras.Model:
    """Build the network of `alexnet` as two towers that exchange what they must.

    The same mathematics, and for the same seed the same weights and dropout masks.
    Tower a has the first half of every layer's maps or units and the logits, tower b
    the second half. Layers are named `conv1_a`, `conv1_b` to `fc7_b`, then `fc8`. Only
    inputs of conv3, fc6, fc7 and fc8 cross, and in Caffe's networks the maps at the
    seam that its normalisations read.

    Weights and forward work lie on `devices`. Backward work follows in training with
    `training.devices.distributed_model.DistributedModel`, velocities and updates
    with `CoupledSGD`, built before `fit`; stock Keras does them on the first device.

    Args:
        preset: A two-tower name in `keras_alexnet.PRESETS`, or a Preset.
        num_classes: Number of logits.
        input_size: Side of the input in pixels; None takes the preset's own.
        devices: Device of tower a and of tower b; with several replicas in a process, a
            pair for each. None leaves the placement to TensorFlow.
        own_images: Whether each tower has an input of its own, to be given the same
            images on its own device.
        seed: As for `alexnet`.
        dtype: As for `alexnet`.
        **overrides: Any field of `Preset` by name.

    Returns:
        An uncompiled functional model, images in and logits out as for `alexnet`; with
        `own_images` a list of them twice. `copy_weights` moves weights from and to an
        `alexnet`.

    Raises:
        UserError: A preset of one tower, sizes that do not halve, or a device that
            does not exist.
    """
    whole = resolve(preset, num_classes, input_size, overrides)
    check_towers(whole, whole.name)
    with tower_devices(devices):
        towers = [_Tower(whole, index, seed, dtype) for index in (0, 1)]
        images = [towers[0].images()] * 2
        if own_images:
            images = [tower.images(f"images_{tower.letter}") for tower in towers]
        return _connect(towers, images, f"two_towers_{whole.name}", num_classes)


def check_towers(preset: Preset, name: str) -> None:
    """Raise UserError for a network that does not fall into two towers."""
    if max(preset.groups) < 2:
        names = (n for n, p in PRESETS.items() if max(p.groups) > 1)
        raise UserError(
            f"Expected a preset of two towers, one of {', '.join(names)}; {name!r} has "
            "one tower. Build it with alexnet()."
        )
    uneven = [g for g in preset.groups if g > 1 and g % 2]
    if preset.groups[0] != 1 or uneven:
        raise UserError(
            "Towers need groups of 1 (the input crosses) or even, and 1 in conv1. "
            f"Received: groups={preset.groups}"
        )
    if any(count % 2 for count in (*preset.filters, preset.units)):
        raise UserError(
            "Towers need even filters and units. "
            f"Received: filters={preset.filters}, units={preset.units}"
        )


class _Tower(NetworkBuilder):
    """One tower: half of every layer, in layers that know where they belong."""

    def __init__(self, whole: Preset, index: int, seed: int | None, dtype: Any) -> None:
        half = whole.replace(
            filters=tuple(count // 2 for count in whole.filters),
            groups=tuple(max(1, count // 2) for count in whole.groups),
            units=whole.units // 2,
        )
        super().__init__(half, seed, dtype)
        self.whole = whole
        self.index = index
        self.letter = LETTERS[index]

    def make(
        self, kind: type[keras.Layer], *arguments: Any, name: str, **options: Any
    ) -> keras.Layer:
        if name != "fc8":
            name = f"{name}_{self.letter}"
        kind = TOWER_CLASSES.get(kind, kind)
        return super().make(kind, *arguments, name=name, tower=self.index, **options)

    def initial(self, index: int) -> dict[str, Any]:
        initial = super().initial(index)
        if index < len(self.whole.weight_std) - 1:  # fc8 is whole
            kernel = HalfOf(initial["kernel_initializer"], self.index)
            initial["kernel_initializer"] = kernel
        return initial

    def dropout(self, number: int, **options: Any) -> keras.Layer | None:
        maps = number == HIDDEN[0] and self.whole.dropout_before
        total = self.whole.filters[-1] if maps else self.whole.units
        columns = (self.index * total // 2, total)
        return super().dropout(number, columns=columns, **options)

    def seam(self, x: keras.KerasTensor, number: int) -> keras.KerasTensor:
        """Cut out the maps that the other tower's normalisation reads."""
        assert self.whole.lrn is not None
        radius = self.whole.lrn.depth_radius
        return self.make(SeamMaps, radius, name=f"seam{number}")(x)

    def seam_norm(
        self, parts: list[Any], seams: list[Any], number: int
    ) -> keras.KerasTensor:
        """Normalise beside the nearest maps of the other tower."""
        return self.norm(SeamNormalization, number)(
            [parts[self.index], seams[1 - self.index]]
        )

    def exchange(self, parts: list[Any], number: int) -> keras.KerasTensor:
        """Bring both halves of a layer's input to this tower's device."""
        return self.make(Exchange, name=f"exchange{number}")(parts)


def _connect(
    towers: list[_Tower], images: list[Any], name: str, num_classes: int
) -> keras.Model:
    whole = towers[0].whole
    parts = images
    for number in CONVOLUTIONS:
        if number > 1 and whole.groups[number - 1] == 1:
            parts = [tower.exchange(parts, number) for tower in towers]
        parts = [t.convolve(x, number) for t, x in zip(towers, parts, strict=True)]
        for step in towers[0].later_steps(number):
            parts = _step(towers, parts, step, number)
    for number in HIDDEN:
        parts = _hidden(towers, parts, number)
    x = towers[0].exchange(parts, 8)
    inputs = images if images[0] is not images[1] else images[0]
    return keras.Model(inputs, towers[0].logits(x, num_classes), name=name)


def _step(towers: list[_Tower], parts: list[Any], step: Step, number: int) -> list[Any]:
    lrn = towers[0].whole.lrn
    if step == "lrn" and lrn is not None and not lrn.per_tower:
        seams = [t.seam(x, number) for t, x in zip(towers, parts, strict=True)]
        return [tower.seam_norm(parts, seams, number) for tower in towers]
    return [t.step(x, step, number) for t, x in zip(towers, parts, strict=True)]


def _hidden(towers: list[_Tower], parts: list[Any], number: int) -> list[Any]:
    before = towers[0].whole.dropout_before
    drops = [tower.dropout(number) for tower in towers]

    def drop(parts: list[Any]) -> list[Any]:
        pairs = zip(drops, parts, strict=True)
        return [x if layer is None else layer(x) for layer, x in pairs]

    parts = drop(parts) if before else parts
    parts = [tower.exchange(parts, number) for tower in towers]
    if number == HIDDEN[0]:
        flat = [tower.make(layers.Flatten, LAYOUT, name="flatten") for tower in towers]
        parts = [layer(x) for layer, x in zip(flat, parts, strict=True)]
    dense = [tower.hidden_dense(number) for tower in towers]
    parts = [layer(x) for layer, x in zip(dense, parts, strict=True)]
    return parts if before else drop(parts)


@keras.saving.register_keras_serializable("keras_alexnet")
class HalfOf(keras.initializers.Initializer):
    """Half of the outputs of what an initialiser draws for a whole layer.

    Args:
        initializer: The whole layer's.
        tower: Integer. 0 takes the first half of the last axis, 1 the second.
    """

    def __init__(self, initializer: Any, tower: int) -> None:
        self.initializer = keras.initializers.get(initializer)
        self.tower = tower

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
        whole = self.initializer((*shape[:-1], 2 * shape[-1]), dtype=dtype)
        return tf.split(whole, 2, axis=-1)[self.tower]

    def get_config(self) -> dict[str, Any]:
        initializer = keras.initializers.serialize(self.initializer)
        return {"initializer": initializer, "tower": self.tower}
