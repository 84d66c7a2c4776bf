"""Convolution with a kernel of its own at each place, as cuda-convnet's `local`."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.layers.kernel_forms import current_forms

# Arguments that Keras takes as a name, a configuration or an object.
_NAMED = {
    "activation": keras.activations,
    "kernel_initializer": keras.initializers,
    "bias_initializer": keras.initializers,
    "kernel_regularizer": keras.regularizers,
    "bias_regularizer": keras.regularizers,
    "kernel_constraint": keras.constraints,
    "bias_constraint": keras.constraints,
}


@keras.saving.register_keras_serializable("keras_alexnet")
class LocallyConnected2D(keras.layers.Layer):
    """Convolve with stride 1, each place with weights that no other place shares.

    ```
    y[n, r, c, f] = activation(bias[r, c, f] + sum(
        x[n, r + i - top, c + j - left, m] * kernel[r, c, i, j, m, f]
    ))
    ```

    The sum is over the window `(i, j)` and the maps `m`; what lies beyond the border is
    zero, `top` and `left` of them with padding `same`. Weights are `kernel`, of shape
    `(rows, columns, kernel rows, kernel columns, in_channels, filters)`, where rows and
    columns are the output's, and `bias`, `(rows, columns, filters)`: like the kernels,
    the biases of cuda-convnet's `local` layers are not shared. The net of
    layers-conv-local-13pct.cfg has 1,116,490 parameters only so.

    An initializer is asked for `(kernel rows, kernel columns, in_channels, rows *
    columns * filters)`, so that its fan-in is that of one place; its fan-out means
    nothing. On CPUs 16-bit products are computed in float32 and rounded.

    Args:
        filters: Positive integer. Output channels.
        kernel_size: Positive integer or pair. Rows and columns of a kernel.
        padding: `valid`, or `same` for a map as large as the input, the odd zero at the
            end.
        activation: As of `keras.layers.Conv2D`, and so are the arguments below.
        use_bias: Whether there is a bias.
        kernel_initializer: Of all kernels.
        bias_initializer: Of all biases.
        kernel_regularizer: Of all kernels together.
        bias_regularizer: Of all biases together.
        kernel_constraint: Sees all kernels at once.
        bias_constraint: Sees all biases at once.
        **kwargs: Of `keras.layers.Layer`, as `dtype`, `name`, `activity_regularizer`.

    Input: float tensor `(batch, height, width, in_channels)`, of which only the batch
    may be unknown; output: `(batch, rows, columns, filters)`.

    Raises:
        ValueError: An argument that is none of these; when built, an input without
            known sides, or smaller than a kernel with padding `valid`.

    Reference: layers-conv-local-13pct.cfg and layers-conv-local-11pct.cfg of
    cuda-convnet (local3 and local4).
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        padding: str = "valid",
        *,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "lecun_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = _positive("filters", filters)
        self.kernel_size = _pair_of_sides(kernel_size)
        self.padding = str(padding).lower()
        if self.padding not in ("valid", "same"):
            raise ValueError(
                "LocallyConnected2D expects padding='valid' or 'same'. "
                f"Received: padding={padding!r}"
            )
        self.use_bias = use_bias
        self.activation = keras.activations.get(activation)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        if len(input_shape) != 4 or None in input_shape[1:]:
            raise ValueError(
                "LocallyConnected2D has weights for each place, so it expects an input "
                "(batch, height, width, channels) of known sides. "
                f"Received: input_shape={input_shape}"
            )
        _, rows, columns, _ = self.compute_output_shape(input_shape)
        sides = dict(enumerate(input_shape[1:], start=1))
        self.input_spec = keras.layers.InputSpec(ndim=4, axes=sides)
        shape = (rows, columns, *self.kernel_size, sides[3], self.filters)
        self.kernel = self._add("kernel", shape, self._draw_kernels)
        self.bias = None
        if self.use_bias:
            places = (rows, columns, self.filters)
            self.bias = self._add("bias", places, self.bias_initializer)
        self.built = True

    def _add(
        self, name: str, shape: tuple[int | None, ...], initializer: Any
    ) -> keras.Variable:
        return self.add_weight(
            name=name,
            shape=shape,
            initializer=initializer,
            regularizer=getattr(self, f"{name}_regularizer"),
            constraint=getattr(self, f"{name}_constraint"),
        )

    def _draw_kernels(self, shape: tuple[int, ...], dtype: Any = None) -> tf.Tensor:
        rows, columns, *inputs, filters = shape
        drawn = self.kernel_initializer((*inputs, rows * columns * filters), dtype)
        drawn = tf.reshape(drawn, (*inputs, rows, columns, filters))
        return tf.transpose(drawn, (3, 4, 0, 1, 2, 5))

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        dtype = inputs.dtype
        narrow = dtype.size < tf.float32.size and current_forms(dtype).wide_products
        wide = tf.float32 if narrow else dtype
        # The batch stands third, so that each place is one product of two matrices.
        maps = tf.transpose(tf.cast(inputs, wide), (1, 2, 0, 3))
        kernel = tf.cast(self.kernel, wide)
        rows, columns, *_, filters = kernel.shape
        outputs = tf.matmul(
            self._windows(maps, rows, columns),
            tf.reshape(kernel, (rows, columns, -1, filters)),
        )
        if self.use_bias:
            outputs += tf.cast(self.bias, wide)[:, :, None]
        outputs = tf.transpose(tf.cast(outputs, dtype), (2, 0, 1, 3))
        return self.activation(outputs)

    def _windows(self, maps: tf.Tensor, rows: int, columns: int) -> tf.Tensor:
        """Return `(rows, columns, batch, window * maps)` of `(height, width, ...)`."""
        maps = tf.pad(maps, [*self.zeros(), (0, 0), (0, 0)])
        height, width = self.kernel_size
        # Not maps[i:, j:]: the gradient of that takes ten times as long on a CPU.
        return tf.concat(
            [
                tf.slice(maps, (i, j, 0, 0), (rows, columns, -1, -1))
                for i in range(height)
                for j in range(width)
            ],
            axis=-1,
        )

    def zeros(self) -> list[tuple[int, int]]:
        """Return how many zeros go before and after the rows, and the columns."""
        if self.padding == "valid":
            return [(0, 0), (0, 0)]
        return [((side - 1) // 2, side // 2) for side in self.kernel_size]

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        batch, *sides, _ = input_shape
        if self.padding == "same":
            return batch, *sides, self.filters
        places = [
            None if side is None else side - reach + 1
            for side, reach in zip(sides, self.kernel_size, strict=True)
        ]
        if any(place is not None and place < 1 for place in places):
            raise ValueError(
                f"LocallyConnected2D expects an input of at least {self.kernel_size} "
                "pixels, as its kernel, or padding='same'. "
                f"Received: input_shape={input_shape}"
            )
        return batch, *places, self.filters

    def get_config(self) -> dict[str, Any]:
        named = {
            name: kind.serialize(getattr(self, name)) for name, kind in _NAMED.items()
        }
        return {
            **super().get_config(),
            "filters": self.filters,
            "kernel_size": self.kernel_size,
            "padding": self.padding,
            "use_bias": self.use_bias,
            **named,
        }


def _positive(name: str, number: Any) -> int:
    if not isinstance(number, Integral) or isinstance(number, bool) or number < 1:
        raise ValueError(
            f"LocallyConnected2D expects a positive integer as {name}. "
            f"Received: {name}={number!r}"
        )
    return int(number)


def _pair_of_sides(sides: Any) -> tuple[int, int]:
    pair = sides if isinstance(sides, Sequence) else (sides, sides)
    if len(pair) != 2:
        raise ValueError(
            "LocallyConnected2D expects a positive integer or a pair of them as "
            f"kernel_size. Received: kernel_size={sides!r}"
        )
    rows, columns = (_positive("kernel_size", side) for side in pair)
    return rows, columns
