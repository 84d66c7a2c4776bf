"""AlexNet (Krizhevsky, Sutskever, Hinton 2012) as one functional Keras model."""

from typing import Any

import keras
from keras import layers

from keras_alexnet.layers import (
    Dense,
    GroupedConv2D,
    InMapResponseNormalization,
    InvertedDropout,
    LocalResponseNormalization,
    OriginalDropout,
)
from keras_alexnet.models.geometry import (
    CONV1_STRIDE,
    CONVOLUTIONS,
    KERNELS,
    check_size,
    conv_mode,
    zero_padding,
)
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.presets.preset import Step
from tfrecords.errors import UserError

LAYOUT = "channels_last"  # whatever a user's keras.json says
HIDDEN = (6, 7)


def alexnet(
    preset: str | Preset = "released",
    num_classes: int = 1000,
    input_size: int | None = None,
    *,
    seed: int | None = None,
    dtype: Any = None,
    **overrides: Any,
) -> keras.Model:
    """Build an uncompiled AlexNet.

    Args:
        preset: A Preset or a name in `keras_alexnet.PRESETS`. `released` is the network
            behind the published numbers; `paper` is the one that the text describes.
        num_classes: Number of logits.
        input_size: Side of the input in pixels; None takes the preset's own.
        seed: Seed of the initial weights and of the dropout masks; None draws one.
        dtype: Keras dtype policy of the layers; None takes the global one. Logits are
            float32 (or float64) whatever it is.
        **overrides: Any field of `Preset` by name, such as `activation="tanh"`,
            `pooling="non_overlapping"`, `lrn=False` or `dropout=None`.

    Returns:
        A functional model from images `(batch, input_size, input_size, 3)`, RGB of
        0-255 scale with the training mean subtracted, to logits `(batch, num_classes)`.
        Do not scale the images to [0, 1]: the initial weights assume raw scale.

    Raises:
        UserError: Unknown preset or field, or a picture too small to leave a map.
    """
    fields = resolve(preset, num_classes, input_size, overrides)
    builder = NetworkBuilder(fields, seed, dtype)
    return builder.model(f"alexnet_{fields.name}", num_classes)


def resolve(
    preset: str | Preset,
    num_classes: int,
    input_size: int | None,
    overrides: dict[str, Any],
) -> Preset:
    """Return the preset with its overrides, or raise UserError; see `alexnet`."""
    if input_size is not None:
        overrides = {**overrides, "input_size": input_size}
    fields = find_preset(preset).replace(**overrides)
    if num_classes < 1:
        raise UserError(f"AlexNet needs num_classes >= 1. Received: {num_classes}")
    check_size(fields)
    return fields


class NetworkBuilder:
    """One network under construction: the preset and what all its layers share."""

    def __init__(self, preset: Preset, seed: int | None, dtype: Any) -> None:
        self.preset = preset
        self.seed = seed
        self.policy = keras.dtype_policies.get(dtype)

    def model(self, name: str, num_classes: int) -> keras.Model:
        """Connect the whole network."""
        images = self.images()
        x = images
        for number in CONVOLUTIONS:
            x = self.convolve(x, number)
            for step in self.later_steps(number):
                x = self.step(x, step, number)
        x = self.make(layers.Flatten, LAYOUT, name="flatten")(x)
        for number in HIDDEN:
            x = self.hidden(x, number)
        return keras.Model(images, self.logits(x, num_classes), name=name)

    def make(self, kind: type[keras.Layer], *arguments: Any, **options: Any):
        """Make one layer; the dtype policy is the network's unless one is given."""
        return kind(*arguments, **{"dtype": self.policy, **options})

    def images(self, name: str = "images") -> keras.KerasTensor:
        """Return the input of the network."""
        size = self.preset.input_size
        return keras.Input((size, size, 3), dtype="float32", name=name)

    def convolve(self, x: keras.KerasTensor, number: int) -> keras.KerasTensor:
        """Pad and convolve; an activation that comes first is fused."""
        p, index = self.preset, number - 1
        before, after = zero_padding(p, number)
        if before or after:
            sides = ((before, after), (before, after))
            pad = self.make(layers.ZeroPadding2D, sides, LAYOUT, name=f"pad{number}")
            x = pad(x)
        fused = self.steps(number)[0] == "activation"
        convolution = self.make(
            GroupedConv2D,
            p.filters[index],
            KERNELS[index],
            groups=p.groups[index],
            strides=CONV1_STRIDE if number == 1 else 1,
            padding=conv_mode(p, number),
            activation=p.activation if fused else None,
            name=f"conv{number}",
            **self.initial(index),
        )
        return convolution(x)

    def steps(self, number: int) -> tuple[Step, ...]:
        """Return what follows a convolution."""
        return self.preset.blocks[number - 1]

    def later_steps(self, number: int) -> tuple[Step, ...]:
        """Return what follows a convolution and is not fused into it."""
        steps = self.steps(number)
        return steps[1:] if steps[0] == "activation" else steps

    def step(self, x: keras.KerasTensor, step: Step, number: int) -> keras.KerasTensor:
        """Take one step after a convolution."""
        p = self.preset
        if step == "activation":
            name = f"{p.activation}{number}"
            return self.make(layers.Activation, p.activation, name=name)(x)
        if step == "pool":
            overlapping = p.pooling == "overlapping"
            # Same padding is cuda-convnet's rounding up: 55 to 28 and 11 to 6.
            window = (3, 2, "valid", LAYOUT) if overlapping else (2, 2, "same", LAYOUT)
            return self.make(layers.MaxPooling2D, *window, name=f"pool{number}")(x)
        if p.lrn is None:
            return x
        if step == "in_map":
            return self.make(InMapResponseNormalization, name=f"in_map{number}")(x)
        return self.norm(LocalResponseNormalization, number)(x)

    def norm(self, kind: type[keras.Layer], number: int) -> keras.Layer:
        """Make the normalisation across channels of a block."""
        lrn = self.preset.lrn
        assert lrn is not None
        groups = max(self.preset.groups) if lrn.per_tower else 1
        constants = (lrn.depth_radius, lrn.bias, lrn.alpha, lrn.beta)
        return self.make(kind, *constants, groups=groups, name=f"norm{number}")

    def hidden(self, x: keras.KerasTensor, number: int) -> keras.KerasTensor:
        """Take fc6 or fc7 with its dropout."""
        dense, drop = self.hidden_dense(number), self.dropout(number)
        if drop is None:
            return dense(x)
        return dense(drop(x)) if self.preset.dropout_before else drop(dense(x))

    def hidden_dense(self, number: int) -> keras.Layer:
        """Make fc6 or fc7."""
        p = self.preset
        return self.dense(p.units, number, activation=p.activation)

    def dropout(self, number: int, **options: Any) -> keras.Layer | None:
        """Make the dropout of fc6 or fc7, or None where the preset has none."""
        p = self.preset
        if p.dropout is None:
            return None
        kind = OriginalDropout if p.dropout == "original" else InvertedDropout
        seed = self.layer_seed(number)
        return self.make(
            kind, p.dropout_rate, seed=seed, name=f"drop{number}", **options
        )

    def logits(self, x: keras.KerasTensor, num_classes: int) -> keras.KerasTensor:
        """Take fc8, of full precision."""
        wide = "float64" if self.policy.compute_dtype == "float64" else "float32"
        return self.dense(num_classes, 8, dtype=wide)(x)

    def dense(self, units: int, number: int, **options: Any) -> keras.Layer:
        """Make a fully connected layer."""
        name = f"fc{number}"
        return self.make(Dense, units, name=name, **self.initial(number - 1), **options)

    def initial(self, index: int) -> dict[str, keras.Initializer]:
        """Return the initialisers of a layer's kernel and bias."""
        std, seed = self.preset.weight_std[index], self.layer_seed(index + 1)
        kernel = (
            keras.initializers.HeNormal(seed=seed)
            if std is None
            else keras.initializers.RandomNormal(stddev=std, seed=seed)
        )
        bias = keras.initializers.Constant(self.preset.biases[index])
        return {"kernel_initializer": kernel, "bias_initializer": bias}

    def layer_seed(self, number: int) -> int | None:
        """Return the seed of one layer."""
        return None if self.seed is None else self.seed * 10 + number
