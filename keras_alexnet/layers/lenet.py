"""The layers of LeNet-5 in its form of 1998 that Keras does not have."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Maps of S2 that each of the 16 maps of C3 sees; table I of the 1998 paper.
C3_INPUTS: tuple[tuple[int, ...], ...] = (
    *(tuple((first + i) % 6 for i in range(3)) for first in range(6)),
    *(tuple((first + i) % 6 for i in range(4)) for first in range(6)),
    (0, 1, 3, 4),
    (1, 2, 4, 5),
    (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)

# (map of S2, map of C3) of each of the 60.
LINKS = tuple((i, o) for o, inputs in enumerate(C3_INPUTS) for i in inputs)

LAYOUT = "channels_last"  # whatever a user's keras.json says

# Of RGB in grey, as ITU-R BT.601 and Pillow's mode L have it.
LUMA = (0.299, 0.587, 0.114)
# What black and white become: over MNIST the mean is then about 0 and the variance
# about 1 (1998 paper, section II.B).
BACKGROUND, INK = -0.1, 1.175

# The 7 x 12 targets of F6. The 1998 paper shows its own drawings; these are ours.
DIGIT_BITMAPS = (
    "0111110 1000001 1000001 1000001 1000001 1000001 "
    "1000001 1000001 1000001 1000001 0111110 0000000",
    "0001000 0011000 0101000 0001000 0001000 0001000 "
    "0001000 0001000 0001000 0001000 0111110 0000000",
    "0111110 1000001 0000001 0000001 0000010 0000100 "
    "0001000 0010000 0100000 1000000 1111111 0000000",
    "0111110 1000001 0000001 0000001 0000001 0011110 "
    "0000001 0000001 0000001 1000001 0111110 0000000",
    "0000010 0000110 0001010 0010010 0100010 1000010 "
    "1111111 0000010 0000010 0000010 0000010 0000000",
    "1111111 1000000 1000000 1000000 1111110 0000001 "
    "0000001 0000001 0000001 1000001 0111110 0000000",
    "0011110 0100000 1000000 1000000 1111110 1000001 "
    "1000001 1000001 1000001 1000001 0111110 0000000",
    "1111111 0000001 0000001 0000010 0000010 0000100 "
    "0000100 0001000 0001000 0010000 0010000 0000000",
    "0111110 1000001 1000001 1000001 1000001 0111110 "
    "1000001 1000001 1000001 1000001 0111110 0000000",
    "0111110 1000001 1000001 1000001 1000001 0111111 "
    "0000001 0000001 0000001 0000010 0111100 0000000",
)


@keras.saving.register_keras_serializable("keras_alexnet")
def scaled_tanh(x: tf.Tensor) -> tf.Tensor:
    """Return 1.7159 tanh(2x / 3), the squashing of the 1998 paper (appendix A)."""
    return 1.7159 * keras.ops.tanh(x * (2.0 / 3.0))


@keras.saving.register_keras_serializable("keras_alexnet")
class FanInUniform(keras.initializers.Initializer):
    """Uniform between -2.4 / fan_in and 2.4 / fan_in (1998 paper, appendix A)."""

    def __init__(self, seed: int | None = None) -> None:
        self.seed = seed

    def __call__(self, shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
        limit = 2.4 / float(np.prod(shape[:-1]))
        return keras.random.uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        return {"seed": self.seed}


@keras.saving.register_keras_serializable("keras_alexnet")
class GreyLevels(keras.layers.Layer):
    """Make grey levels of the 1998 paper of colours: black -0.1, white 1.175.

    Input `(batch, rows, columns, 3)`, RGB of 0 to 255, white ink on black as in MNIST;
    output `(batch, rows, columns, 1)`. It has no weights.
    """

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        kernel = tf.constant(grey_kernel(), inputs.dtype, (1, 1, 3, 1))
        return tf.nn.conv2d(inputs, kernel, 1, "VALID") + BACKGROUND

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 1)


def grey_kernel() -> list[float]:
    """Return what red, green and blue are multiplied by in `GreyLevels`."""
    return [weight * (INK - BACKGROUND) / 255 for weight in LUMA]


@keras.saving.register_keras_serializable("keras_alexnet")
class Subsampling(keras.layers.Layer):
    """Sum 2 x 2 pixels, times a coefficient plus a bias for each map, then squash.

    Input `(batch, 2h, 2w, maps)`; output `(batch, h, w, maps)`; two weights a map.
    Reference: LeCun et al. 1998, section II.B.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        maps = (input_shape[-1],)
        self.coefficient = self.add_weight(
            shape=maps, initializer=keras.initializers.Constant(0.25), name="kernel"
        )
        self.bias = self.add_weight(shape=maps, initializer="zeros", name="bias")

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        total = 4.0 * tf.nn.avg_pool2d(inputs, 2, 2, "VALID")
        return scaled_tanh(total * self.coefficient + self.bias)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        batch, *sides, maps = input_shape
        return batch, *(None if n is None else n // 2 for n in sides), maps


@keras.saving.register_keras_serializable("keras_alexnet")
class PartialConv2D(keras.layers.Conv2D):
    """C3: a 5 x 5 convolution whose maps each see some of the six maps of S2.

    The kernel holds only the 60 links of table I, as `(rows, columns, links)`, so the
    parameter count is the paper's 1,516. Its initial values are drawn for one link and
    divided by the number of links of the map, which is its fan-in.

    Args:
        *args, **kwargs: As `keras.layers.Conv2D`, but for `groups`, a `data_format`
            other than `channels_last`, and LoRA, which are refused.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.groups != 1 or self.data_format != LAYOUT or self.lora_rank:
            raise ValueError(
                f"PartialConv2D needs groups=1, data_format={LAYOUT!r} and no "
                f"lora_rank. Received: groups={self.groups}, "
                f"data_format={self.data_format!r}, lora_rank={self.lora_rank}"
            )

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if input_shape[-1] != 6 or self.filters != len(C3_INPUTS):
            raise ValueError(
                "PartialConv2D connects 6 maps to 16. "
                f"Received: input_shape={input_shape}, filters={self.filters}"
            )
        fan_in = np.array([len(C3_INPUTS[o]) for _, o in LINKS], "float32")
        self._kernel = self.add_weight(
            shape=(*self.kernel_size, len(LINKS)),
            initializer=lambda *args, **kw: (
                self.kernel_initializer(*args, **kw) / fan_in
            ),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
            name="kernel",
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=(self.filters,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
                name="bias",
            )
        self.built = True

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        places = np.zeros((len(LINKS), 6, len(C3_INPUTS)), "float32")
        for link, (source, target) in enumerate(LINKS):
            places[link, source, target] = 1
        kernel = tf.einsum(
            "hwl,lio->hwio", self._kernel, tf.cast(places, self.compute_dtype)
        )
        outputs = self.convolution_op(inputs, kernel)
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return self.activation(outputs)

    def enable_lora(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: a kernel of links has no low-rank form.

        Raises:
            ValueError: Always.
        """
        raise ValueError("PartialConv2D cannot enable LoRA: its kernel is sparse.")


@keras.saving.register_keras_serializable("keras_alexnet")
class EuclideanOutput(keras.layers.Layer):
    """Negated squared distances of F6 to the ten fixed +-1 bitmaps of 7 x 12 pixels.

    Input `(batch, 84)`; output `(batch, 10)`; 840 fixed weights.
    Reference: LeCun et al. 1998, section II.B.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        bits = [[c == "1" for c in drawing if c != " "] for drawing in DIGIT_BITMAPS]
        codes = np.where(np.array(bits), 1.0, -1.0)
        self.codes = self.add_weight(
            shape=codes.shape,
            initializer=lambda shape, dtype: tf.constant(codes, dtype),
            trainable=False,
            name="codes",
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        difference = inputs[:, None, :] - self.codes
        return -tf.reduce_sum(tf.square(difference), axis=-1)

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return (*input_shape[:-1], len(DIGIT_BITMAPS))
