"""LeNet-5 (LeCun, Bottou, Bengio, Haffner 1998): AlexNet's ancestor."""

from typing import Any, Literal

import keras
from keras import layers

from keras_alexnet.layers.lenet import (
    LAYOUT,
    EuclideanOutput,
    FanInUniform,
    PartialConv2D,
    Subsampling,
    scaled_tanh,
)
from tfrecords.errors import UserError


def lenet5(
    num_classes: int = 10,
    *,
    form: Literal["1998", "modern"] = "modern",
    pooling: Literal["average", "max"] = "average",
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
        and ink about 1.175, to logits `(batch, num_classes)`. The 1998 form's logits
        are the negated distances to the targets.

    Raises:
        UserError: Unknown form or pooling, or the 1998 form without 10 classes.
    """
    if form not in ("1998", "modern") or pooling not in ("average", "max"):
        raise UserError(
            "lenet5 expects form '1998' or 'modern' and pooling 'average' or 'max'. "
            f"Received: form={form!r}, pooling={pooling!r}"
        )
    if form == "1998" and num_classes != 10:
        raise UserError(
            "The 1998 form of lenet5 has output targets for 10 digits. "
            f"Received: num_classes={num_classes}. Use form='modern'."
        )
    images = keras.Input((32, 32, 1), dtype="float32", name="images")
    seeds = iter(range(seed * 10, seed * 10 + 10)) if seed is not None else None
    x = _hidden_layers(images, form, pooling, seeds)
    if form == "1998":
        logits = EuclideanOutput(name="output")(x)
    else:
        logits = layers.Dense(num_classes, name="output", **_initial(seeds))(x)
    return keras.Model(images, logits, name=f"lenet5_{form}")


def _hidden_layers(
    x: keras.KerasTensor, form: str, pooling: str, seeds: Any
) -> keras.KerasTensor:
    old = form == "1998"
    activation = scaled_tanh if old else "tanh"
    pool = layers.AveragePooling2D if pooling == "average" else layers.MaxPooling2D

    def conv(filters: int, name: str) -> keras.Layer:
        kind = PartialConv2D if old and name == "c3" else layers.Conv2D
        options = {"activation": activation, "name": name, **_initial(seeds)}
        return kind(filters, 5, data_format=LAYOUT, **options)

    def subsample(name: str) -> keras.Layer:
        return Subsampling(name=name) if old else pool(2, data_format=LAYOUT, name=name)

    x = subsample("s2")(conv(6, "c1")(x))
    x = subsample("s4")(conv(16, "c3")(x))
    x = layers.Flatten(LAYOUT, name="flatten")(conv(120, "c5")(x))
    return layers.Dense(84, activation=activation, name="f6", **_initial(seeds))(x)


def _initial(seeds: Any) -> dict[str, keras.Initializer]:
    seed = None if seeds is None else next(seeds)
    return {"kernel_initializer": FanInUniform(seed=seed)}
