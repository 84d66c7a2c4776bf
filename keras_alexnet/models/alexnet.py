"""AlexNet (Krizhevsky, Sutskever, Hinton 2012) as one functional Keras model."""

from typing import Any

import keras
from keras import layers

from keras_alexnet.layers import (
    GroupedConv2D,
    InMapResponseNormalization,
    LocalResponseNormalization,
    OriginalDropout,
)
from keras_alexnet.models.presets import Preset, Step, find_preset

KERNELS = (11, 5, 3, 3, 3)  # pixels, conv1 to conv5; section 3.5
CONV1_STRIDE = 4  # pixels; section 3.5


def alexnet(
    preset: str = "released",
    num_classes: int = 1000,
    input_size: int | None = None,
    *,
    seed: int | None = None,
    dtype: Any = None,
    **overrides: Any,
) -> keras.Model:
    """Build an uncompiled AlexNet.

    Args:
        preset: A name in `keras_alexnet.PRESETS`. `released` is the network behind the
            published numbers; `paper` is the one that the text describes.
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
        ValueError: Unknown preset or field, or a picture too small to leave a map.
    """
    if input_size is not None:
        overrides["input_size"] = input_size
    fields = find_preset(preset).replace(**overrides)
    if num_classes < 1:
        raise ValueError(f"alexnet needs num_classes >= 1. Received: {num_classes}")
    _check_size(fields)
    return _Network(fields, seed, dtype).model(f"alexnet_{preset}", num_classes)


class _Network:
    """One network under construction: the preset and what all its layers share."""

    def __init__(self, preset: Preset, seed: int | None, dtype: Any) -> None:
        self.preset = preset
        self.seed = seed
        self.policy = keras.dtype_policies.get(dtype)

    def model(self, name: str, num_classes: int) -> keras.Model:
        p = self.preset
        images = keras.Input((p.input_size, p.input_size, 3), name="images")
        x = self.block(images, 1, p.block1, strides=CONV1_STRIDE)
        x = self.block(x, 2, p.block2)
        x = self.block(x, 3, ("activation",))
        x = self.block(x, 4, ("activation",))
        x = self.block(x, 5, ("activation", "pool"))
        x = layers.Flatten(name="flatten", dtype=self.policy)(x)
        x = self.hidden(x, 6)
        x = self.hidden(x, 7)
        wide = "float64" if self.policy.compute_dtype == "float64" else "float32"
        logits = self.dense(num_classes, 8, dtype=wide)(x)
        return keras.Model(images, logits, name=name)

    def block(
        self, x: keras.KerasTensor, number: int, steps: tuple[Step, ...], **options: Any
    ) -> keras.KerasTensor:
        """Convolve, then take the steps; an activation that comes first is fused."""
        before, after = _padding(self.preset, number)
        if before or after:
            sides = ((before, after), (before, after))
            x = layers.ZeroPadding2D(sides, name=f"pad{number}", dtype=self.policy)(x)
        if steps[0] == "activation":
            options["activation"] = self.preset.activation
            steps = steps[1:]
        x = self.conv(number, **options)(x)
        for step in steps:
            layer = self.step(step, number)
            x = x if layer is None else layer(x)
        return x

    def conv(self, number: int, **options: Any) -> keras.Layer:
        index = number - 1
        return GroupedConv2D(
            self.preset.filters[index],
            KERNELS[index],
            groups=self.preset.groups[index],
            padding=_conv_mode(self.preset, number),
            name=f"conv{number}",
            dtype=self.policy,
            **self.initial(index),
            **options,
        )

    def step(self, step: Step, number: int) -> keras.Layer | None:
        common = {"dtype": self.policy}
        if step == "activation":
            kind = self.preset.activation
            return layers.Activation(kind, name=f"{kind}{number}", **common)
        if step == "pool" and self.preset.pooling == "overlapping":
            return layers.MaxPooling2D(3, 2, name=f"pool{number}", **common)
        if step == "pool":
            # Same padding is cuda-convnet's rounding up: 55 to 28 and 11 to 6.
            return layers.MaxPooling2D(2, 2, "same", name=f"pool{number}", **common)
        lrn = self.preset.lrn
        if lrn is None:
            return None
        if step == "in_map":
            return InMapResponseNormalization(name=f"in_map{number}", **common)
        return LocalResponseNormalization(
            lrn.depth_radius,
            lrn.bias,
            lrn.alpha,
            lrn.beta,
            groups=max(self.preset.groups) if lrn.per_tower else 1,
            name=f"norm{number}",
            **common,
        )

    def hidden(self, x: keras.KerasTensor, number: int) -> keras.KerasTensor:
        p = self.preset
        dense = self.dense(p.units, number, activation=p.activation, dtype=self.policy)
        if p.dropout is None:
            return dense(x)
        kind = OriginalDropout if p.dropout == "original" else layers.Dropout
        drop = kind(
            p.dropout_rate,
            seed=self.layer_seed(number),
            name=f"drop{number}",
            dtype=self.policy,
        )
        return dense(drop(x)) if p.dropout_before else drop(dense(x))

    def dense(self, units: int, number: int, **options: Any) -> keras.Layer:
        return layers.Dense(
            units, name=f"fc{number}", **self.initial(number - 1), **options
        )

    def initial(self, index: int) -> dict[str, keras.Initializer]:
        std, seed = self.preset.weight_std[index], self.layer_seed(index + 1)
        kernel = (
            keras.initializers.HeNormal(seed=seed)
            if std is None
            else keras.initializers.RandomNormal(stddev=std, seed=seed)
        )
        bias = keras.initializers.Constant(self.preset.biases[index])
        return {"kernel_initializer": kernel, "bias_initializer": bias}

    def layer_seed(self, number: int) -> int | None:
        return None if self.seed is None else self.seed * 10 + number


def _conv_mode(preset: Preset, number: int) -> str:
    """Return the padding mode of a convolution after its explicit zeros."""
    if number == 1:
        return "valid"
    # layers-147.cfg: conv2 pads 1 and conv5 pads 0, so that fc6 keeps its 6 x 6 maps.
    shrinks = preset.pooling == "non_overlapping" and number in (2, 5)
    return "valid" if shrinks else "same"


def _padding(preset: Preset, number: int) -> tuple[int, int]:
    """Return the zeros added before and after a convolution's input, on both axes."""
    if number == 2 and preset.pooling == "non_overlapping":
        return 1, 1
    if number != 1:
        return 0, 0
    if preset.conv1_padding == "ceil":
        return 0, (KERNELS[0] - preset.input_size) % CONV1_STRIDE
    return preset.conv1_padding, preset.conv1_padding


def map_sizes(preset: Preset) -> dict[str, int]:
    """Return the side in pixels of the maps that conv1 and the three pools give.

    A size of zero or less means that the input is too small for this network.
    """
    sizes = {}
    size = preset.input_size
    for number, stride in ((1, CONV1_STRIDE), (2, 1), (5, 1)):
        size += sum(_padding(preset, number))
        if _conv_mode(preset, number) == "valid":
            size = (size - KERNELS[number - 1]) // stride + 1
        sizes[f"conv{number}"] = size
        overlapping = preset.pooling == "overlapping"
        size = (size - 3) // 2 + 1 if overlapping else (size + 1) // 2
        sizes[f"pool{number}"] = size
    return sizes


def _check_size(preset: Preset) -> None:
    sizes = map_sizes(preset)
    if min(sizes.values()) < 1:
        least = preset.input_size
        while min(map_sizes(preset.replace(input_size=least)).values()) < 1:
            least += 1
        raise ValueError(
            f"An input of {preset.input_size} pixels leaves no map ({sizes}). "
            f"Use input_size >= {least}."
        )
