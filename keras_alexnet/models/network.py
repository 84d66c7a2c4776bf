"""AlexNet (Krizhevsky, Sutskever, Hinton 2012) as one functional Keras model."""

from typing import Any

import keras
from keras import layers

from keras_alexnet.layers import (
    GroupedConv2D,
    InMapResponseNormalization,
    InvertedDropout,
    LocalResponseNormalization,
    OriginalDropout,
)
from keras_alexnet.presets.preset import Preset, Step, find_preset

KERNELS = (11, 5, 3, 3, 3)  # pixels, conv1 to conv5; section 3.5
CONV1_STRIDE = 4  # pixels; section 3.5
LAYOUT = "channels_last"  # whatever a user's keras.json says
CONVOLUTIONS = (1, 2, 3, 4, 5)
HIDDEN = (6, 7)


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
    fields = resolve(preset, num_classes, input_size, overrides)
    return Network(fields, seed, dtype).model(f"alexnet_{preset}", num_classes)


def resolve(
    preset: str, num_classes: int, input_size: int | None, overrides: dict[str, Any]
) -> Preset:
    """Return the preset with its overrides, or raise ValueError; see `alexnet`."""
    if input_size is not None:
        overrides = {**overrides, "input_size": input_size}
    fields = find_preset(preset).replace(**overrides)
    if num_classes < 1:
        raise ValueError(f"AlexNet needs num_classes >= 1. Received: {num_classes}")
    _check_size(fields)
    return fields


class Network:
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
        before, after = _padding(p, number)
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
            padding=_conv_mode(p, number),
            activation=p.activation if fused else None,
            name=f"conv{number}",
            **self.initial(index),
        )
        return convolution(x)

    def steps(self, number: int) -> tuple[Step, ...]:
        """Return what follows a convolution."""
        p = self.preset
        blocks = {1: p.block1, 2: p.block2, 5: ("activation", "pool")}
        return blocks.get(number, ("activation",))

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
        return self.make(
            layers.Dense, units, name=name, **self.initial(number - 1), **options
        )

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
