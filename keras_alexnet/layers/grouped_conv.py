"""Grouped convolution: the two towers of the paper in one layer (section 3.5)."""

from functools import partial
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.layers.kernel_forms import current_forms
from keras_alexnet.processor import computes_bfloat16


@keras.saving.register_keras_serializable("keras_alexnet")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D(groups=)`, fast on CPUs too.

    The same arguments in the same order, weights and results: one `kernel` of shape
    `(rows, columns, in_channels / groups, filters)` and one `bias`, in this order, so
    weights interchange. The first `filters / groups` outputs see only the first
    `in_channels / groups` inputs, and so on: with `groups=2`, two towers.

    TensorFlow's CPU kernel for a grouped backward pass costs several times the rest of
    an AlexNet step, so there the groups are convolved one by one and concatenated, and
    on GPUs too unless XLA compiles (see `KernelForms`). On a CPU without bfloat16
    instructions a bfloat16 convolution is computed in float32, which is many times
    faster there, and rounded.

    Args:
        filters: Integer. Output channels, all groups together.
        kernel_size: Integer or pair. Rows and columns of the kernel.
        strides: Integer or pair, in pixels.
        padding: `valid` or `same`.
        data_format: `channels_last`, or None for the same whatever keras.json says.
        dilation_rate: Integer or pair; 1 where a stride is more.
        groups: Integer. Divides both the input channels and `filters`.
        **kwargs: As `keras.layers.Conv2D`, by name.

    Input: float tensor `(batch, height, width, in_channels)`; output: the same with
    `filters` channels and the height and width of an ordinary convolution.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        strides: int | tuple[int, int] = 1,
        padding: str = "valid",
        data_format: str | None = "channels_last",
        dilation_rate: int | tuple[int, int] = 1,
        groups: int = 1,
        **kwargs: Any,
    ) -> None:
        if data_format not in ("channels_last", None):
            raise ValueError(
                "GroupedConv2D expects data_format='channels_last'. "
                f"Received: data_format={data_format!r}"
            )
        super().__init__(
            filters,
            kernel_size,
            strides,
            padding,
            "channels_last",
            dilation_rate,
            groups,
            **kwargs,
        )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        bias = self.bias if self.use_bias else None
        if _is_slow_in(inputs.dtype):
            wide = [
                None if x is None else tf.cast(x, tf.float32)
                for x in (inputs, self.kernel, bias)
            ]
            outputs = tf.cast(self._towers(*wide), inputs.dtype)
        else:
            outputs = self._towers(inputs, self.kernel, bias)
        if self.activation is None or self.activation is keras.activations.relu:
            return outputs
        return self.activation(outputs)

    def _towers(
        self, inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None
    ) -> tf.Tensor:
        if self.groups == 1 or not current_forms(inputs.dtype).split_groups:
            return self._tower(inputs, kernel, bias)
        split = partial(tf.split, num_or_size_splits=self.groups, axis=-1)
        biases = [None] * self.groups if bias is None else split(bias)
        towers = zip(split(inputs), split(kernel), biases, strict=True)
        return tf.concat([self._tower(*tower) for tower in towers], axis=-1)

    def _tower(
        self, inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor | None
    ) -> tf.Tensor:
        # Bias and ReLU at once: TensorFlow fuses the three into one CPU kernel.
        outputs = self._convolve(inputs, kernel)
        if bias is not None:
            outputs = tf.nn.bias_add(outputs, bias)
        rectified = self.activation is keras.activations.relu
        return tf.nn.relu(outputs) if rectified else outputs

    def _convolve(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        if self._folds(inputs):
            return _folded_convolution(inputs, kernel, self.strides[0])
        padding = self.padding.upper()
        if max(self.dilation_rate) > 1:
            # Not conv2d: its gradient with dilations is not there on every CPU.
            return tf.nn.convolution(
                inputs, kernel, padding=padding, dilations=self.dilation_rate
            )
        return tf.nn.conv2d(inputs, kernel, self.strides, padding)

    def _folds(self, inputs: tf.Tensor) -> bool:
        stride = self.strides[0]
        return (
            inputs.dtype == tf.bfloat16
            and current_forms(inputs.dtype).fit_bfloat16
            and self.strides == (stride, stride)
            and stride > 1
            and self.padding == "valid"
            and self.dilation_rate == (1, 1)
            and inputs.shape[-1] <= 4
            and None not in inputs.shape[1:]
        )


def _is_slow_in(dtype: tf.DType) -> bool:
    return (
        dtype == tf.bfloat16
        and current_forms(dtype).fit_bfloat16
        and not computes_bfloat16()
    )


def _folded_convolution(inputs: tf.Tensor, kernel: tf.Tensor, stride: int) -> tf.Tensor:
    """Convolve with VALID padding after folding blocks of pixels into channels.

    A stride of s over c channels is a stride of 1 over s * s * c. The CPU's bfloat16
    kernel for the gradient of a filter with 3 channels runs at a third of its speed
    with 48; the folded kernel is zero where it reaches beyond the original.
    """
    taps = [-(-size // stride) for size in kernel.shape[:2]]
    places = [
        (size - reach) // stride + 1
        for size, reach in zip(inputs.shape[1:3], kernel.shape[:2], strict=True)
    ]
    blocks = [place + tap - 1 for place, tap in zip(places, taps, strict=True)]
    images = _fit(inputs, [b * stride for b in blocks], first_axis=1)
    images = tf.reshape(
        images, (-1, blocks[0], stride, blocks[1], stride * inputs.shape[-1])
    )
    images = tf.reshape(
        tf.transpose(images, (0, 1, 3, 2, 4)),
        (-1, *blocks, stride * stride * inputs.shape[-1]),
    )
    kernel = _fit(kernel, [tap * stride for tap in taps], first_axis=0)
    channels, filters = kernel.shape[2:]
    kernel = tf.reshape(kernel, (taps[0], stride, taps[1], stride * channels, filters))
    kernel = tf.reshape(
        tf.transpose(kernel, (0, 2, 1, 3, 4)),
        (*taps, stride * stride * channels, filters),
    )
    return tf.nn.conv2d(images, kernel, 1, "VALID")


def _fit(tensor: tf.Tensor, sizes: list[int], first_axis: int) -> tf.Tensor:
    """Cut or zero-pad two axes at their ends."""
    rows, columns = sizes
    lead = (slice(None),) * first_axis
    tensor = tensor[(*lead, slice(rows), slice(columns))]
    border = [[0, 0]] * tensor.shape.rank
    for axis, size in enumerate(sizes, start=first_axis):
        border[axis] = [0, size - tensor.shape[axis]]
    return tf.pad(tensor, border) if any(b != [0, 0] for b in border) else tensor
