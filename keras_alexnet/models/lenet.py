"""LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998): AlexNet's ancestor."""

from collections.abc import Iterator
from typing import Any, get_args

import keras
from keras import layers

from keras_alexnet.layers.lenet import (
    LAYOUT,
    EuclideanOutput,
    FanInUniform,
    GreyLevels,
    PartialConv2D,
    Subsampling,
    scaled_tanh,
)
from keras_alexnet.presets import LenetPreset
from keras_alexnet.presets.lenet_preset import (
    LENET_CLASSES,
    LENET_SIDE,
    LenetForm,
    LenetPooling,
)
from tfrecords.errors import UserError


def lenet5(
    num_classes: int = 10,
    *,
    form: LenetForm = "modern",
    pooling: LenetPooling = "average",
    seed: int | None = None,
) -> keras.Model:
    """Build an uncompiled LeNet-5.

    Args:
        num_classes: Number of logits; the 1998 form has targets for ten digits only.
        form: `1998` has trainable subsampling, the partial connections of C3, scaled
            tanh and Euclidean outputs (60,000 trainable parameters); `modern` has plain
            pooling, a full C3 and a dense output (61,706).
        pooling: Kind of pooling in the modern form.
        seed: Seed of the initial weights; None draws one.

    Returns:
        A functional model from grey images `(batch, 32, 32, 1)`, background about -0.1
        and ink about 1.175, to logits `(batch, num_classes)`, float32 (or float64)
        whatever the global policy is. The 1998 form's logits
        are the negated distances to the targets.

    Raises:
        UserError: Unknown form or pooling, or the 1998 form without 10 classes.
    """
    if form not in get_args(LenetForm) or pooling not in get_args(LenetPooling):
        raise UserError(
            "lenet5 expects form '1998' or 'modern' and pooling 'average' or 'max'. "
            f"Received: form={form!r}, pooling={pooling!r}"
        )
    check_lenet_classes(form, num_classes)
    images = keras.Input((LENET_SIDE, LENET_SIDE, 1), dtype="float32", name="images")
    builder = _Builder(form, pooling, seed, None)
    return keras.Model(images, builder.logits(images, num_classes), name=builder.name)


def lenet_of(
    preset: LenetPreset, num_classes: int, *, seed: int | None = None, dtype: Any = None
) -> keras.Model:
    """Build the uncompiled LeNet-5 of a preset: that of `lenet5` behind `GreyLevels`.

    Args:
        preset: Form and pooling.
        num_classes: As in `lenet5`.
        seed: Seed of the initial weights, which are those of `lenet5`.
        dtype: Keras dtype policy of the layers; None takes the global one. Logits are
            float32 (or float64) whatever it is.

    Returns:
        A functional model from images `(batch, 32, 32, 3)`, RGB of 0-255 with nothing
        subtracted, white on black, to logits `(batch, num_classes)`.

    Raises:
        UserError: The 1998 form without 10 classes.
    """
    check_lenet_classes(preset.form, num_classes)
    builder = _Builder(preset.form, preset.pooling, seed, dtype)
    shape = (LENET_SIDE, LENET_SIDE, 3)
    images = keras.Input(shape, dtype="float32", name="images")
    x = GreyLevels(dtype=builder.dtype, name="grey")(images)
    return keras.Model(images, builder.logits(x, num_classes), name=builder.name)


def check_lenet_classes(form: LenetForm, num_classes: int) -> None:
    """Refuse a number of classes that the outputs of 1998 have no targets for.

    Raises:
        UserError: The form is that of 1998, and there are not 10.
    """
    if form == "1998" and num_classes != LENET_CLASSES:
        raise UserError(
            f"Expected 10 classes for the 1998 form of LeNet-5, whose outputs have a "
            f"target for each of 10 digits, got num_classes={num_classes}. Take the "
            "other: form='modern', --preset lenet5."
        )


class _Builder:
    """One LeNet-5 under construction: its form and what all its layers share."""

    def __init__(
        self, form: LenetForm, pooling: LenetPooling, seed: int | None, dtype: Any
    ) -> None:
        self.old = form == "1998"
        self.name = f"lenet5_{form}"
        self.pooling = pooling
        self.seeds: Iterator[int | None] = iter([None] * 10)
        if seed is not None:
            self.seeds = iter(range(seed * 10, seed * 10 + 10))
        # Layers without a config of their own can only save the name.
        self.dtype = dtype.name if isinstance(dtype, keras.DTypePolicy) else dtype
        self.activation = scaled_tanh if self.old else "tanh"
        double = keras.dtype_policies.get(dtype).compute_dtype == "float64"
        self.wide = "float64" if double else "float32"

    def logits(self, x: keras.KerasTensor, num_classes: int) -> keras.KerasTensor:
        """Connect all layers from grey levels to logits."""
        x = self._subsample("s2")(self._conv(6, "c1")(x))
        x = self._subsample("s4")(self._conv(16, "c3")(x))
        x = self._conv(120, "c5")(x)
        x = layers.Flatten(LAYOUT, dtype=self.dtype, name="flatten")(x)
        options = {"activation": self.activation, "dtype": self.dtype}
        x = layers.Dense(84, name="f6", **options, **self._initial())(x)
        if self.old:
            return EuclideanOutput(dtype=self.wide, name="output")(x)
        options = {"dtype": self.wide, "name": "output", **self._initial()}
        return layers.Dense(num_classes, **options)(x)

    def _conv(self, filters: int, name: str) -> keras.Layer:
        kind = PartialConv2D if self.old and name == "c3" else layers.Conv2D
        options = {"activation": self.activation, "name": name, "dtype": self.dtype}
        return kind(filters, 5, data_format=LAYOUT, **options, **self._initial())

    def _subsample(self, name: str) -> keras.Layer:
        if self.old:
            return Subsampling(dtype=self.dtype, name=name)
        average = self.pooling == "average"
        kind = layers.AveragePooling2D if average else layers.MaxPooling2D
        return kind(2, data_format=LAYOUT, dtype=self.dtype, name=name)

    def _initial(self) -> dict[str, keras.Initializer]:
        return {"kernel_initializer": FanInUniform(seed=next(self.seeds))}
