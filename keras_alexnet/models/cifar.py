"""The small nets for CIFAR-10 as uncompiled Keras models."""

from typing import Any, Literal

import keras
from keras import layers

from keras_alexnet.layers import (
    GroupedConv2D,
    InMapResponseNormalization,
    LocallyConnected2D,
    LocalResponseNormalization,
)
from keras_alexnet.models.small_geometry import POOL, POOL_STRIDE
from keras_alexnet.presets import SmallPreset, find_small_preset
from keras_alexnet.presets.preset import LRN, Step
from tfrecords.errors import UserError

LAYOUT = "channels_last"  # whatever a user's keras.json says


def cifar_net(
    preset: str | SmallPreset = "18pct",
    activation: Literal["relu", "tanh"] | None = None,
    lrn: bool = True,
    num_classes: int = 10,
    *,
    seed: int | None = None,
    dtype: Any = None,
) -> keras.Model:
    """Build an uncompiled small net.

    Args:
        preset: A SmallPreset, or a name in `keras_alexnet.SMALL_PRESETS`, of which
            `cifar-` may be left out.
        activation: Non-linearity; None: the preset's own, which is relu.
        lrn: Keep the normalisations of the preset, if it has any.
        num_classes: Number of logits.
        seed: Seed of the initial weights; None draws one.
        dtype: Keras dtype policy of the layers; None takes the global one. Logits are
            float32 (or float64) whatever it is.

    Returns:
        A functional model from images `(batch, 32, 32, 3)`, of 24 pixels for 13pct and
        11pct, RGB of 0-255 scale with the training mean subtracted, to logits `(batch,
        num_classes)`.

    Raises:
        UserError: Unknown preset or activation, or no class.
    """
    fields = find_small_preset(preset)
    if activation is not None:
        fields = fields.replace(activation=activation)
    if not lrn:
        fields = fields.replace(lrn=None)
    if num_classes < 1:
        raise UserError(f"A small net needs num_classes >= 1. Received: {num_classes}")
    return _Builder(fields, seed, dtype).model(num_classes)


class _Builder:
    """One net under construction: the preset and what all its layers share."""

    def __init__(self, preset: SmallPreset, seed: int | None, dtype: Any) -> None:
        self.preset = preset
        self.seed = seed
        self.policy = keras.dtype_policies.get(dtype)
        self.weighted = 0  # layers with weights that there are by now

    def model(self, num_classes: int) -> keras.Model:
        """Connect the whole network."""
        p = self.preset
        size = p.input_size
        images = keras.Input((size, size, 3), dtype="float32", name="images")
        x = images
        for number, steps in enumerate(p.blocks, start=1):
            x = self._convolve(x, number)
            for step in steps[1:] if steps[0] == "activation" else steps:
                x = self._step(x, step, number)
        x = layers.Flatten(LAYOUT, dtype=self.policy, name="flatten")(x)
        for name, units in zip(p.hidden, p.units, strict=True):
            activation = p.activation if p.hidden_activation else None
            x = self._dense(units, name, self.policy, activation)(x)
        wide = "float64" if self.policy.compute_dtype == "float64" else "float32"
        logits = self._dense(num_classes, p.head, wide)(x)
        return keras.Model(images, logits, name=p.name.replace("-", "_"))

    def _convolve(self, x: keras.KerasTensor, number: int) -> keras.KerasTensor:
        """Convolve; an activation that comes first is fused."""
        p = self.preset
        fused = p.blocks[number - 1][0] == "activation"
        shared = p.kinds[number - 1] == "conv"
        convolution = (GroupedConv2D if shared else LocallyConnected2D)(
            p.filters[number - 1],
            p.kernels[number - 1],
            padding="same",
            activation=p.activation if fused else None,
            dtype=self.policy,
            name=p.convolutions[number - 1],
            **self._initial(),
        )
        return convolution(x)

    def _step(self, x: keras.KerasTensor, step: Step, number: int) -> keras.KerasTensor:
        """Take one step after a convolution."""
        p = self.preset
        if step == "activation":
            name = f"{p.activation}{number}"
            return layers.Activation(p.activation, dtype=self.policy, name=name)(x)
        if step == "pool":
            largest = p.pools[number - 1] == "max"
            kind = layers.MaxPooling2D if largest else layers.AveragePooling2D
            # Same padding is rounding up, and averages are of the pixels that are
            # there, as in cuda-convnet and Caffe.
            window = (POOL, POOL_STRIDE, "same", LAYOUT)
            return kind(*window, dtype=self.policy, name=f"pool{number}")(x)
        if p.lrn is None:
            return x
        n, options = p.lrn, {"dtype": self.policy, "name": f"norm{number}"}
        if isinstance(n, LRN):
            constants = (n.depth_radius, n.bias, n.alpha, n.beta)
            return LocalResponseNormalization(*constants, **options)(x)
        constants = (n.size, n.bias, n.alpha, n.beta)
        return InMapResponseNormalization(*constants, **options)(x)

    def _dense(
        self, units: int, name: str, policy: Any, activation: str | None = None
    ) -> keras.Layer:
        return layers.Dense(
            units, activation=activation, dtype=policy, name=name, **self._initial()
        )

    def _initial(self) -> dict[str, keras.Initializer]:
        """Return the initialiser of the next layer with weights; biases begin at 0."""
        std = self.preset.weight_std[self.weighted]
        self.weighted += 1
        seed = None if self.seed is None else self.seed * 10 + self.weighted
        return {"kernel_initializer": keras.initializers.RandomNormal(0, std, seed)}
