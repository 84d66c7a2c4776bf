"""Grouped convolution: the two towers of the paper in one layer (section 3.5)."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_alexnet")
class GroupedConv2D(keras.layers.Conv2D):
    """`keras.layers.Conv2D(groups=)`, fast on CPUs too.

    The same arguments, weights and results: one `kernel` of shape
    `(rows, columns, in_channels / groups, filters)` and one `bias`, in this order, so
    weights interchange. The first `filters / groups` outputs see only the first
    `in_channels / groups` inputs, and so on: with `groups=2`, two towers.

    TensorFlow's CPU kernel for a grouped backward pass costs several times the rest of
    an AlexNet step, so on CPUs the groups are convolved one by one and concatenated.
    Where a GPU is visible the native grouped kernel is used.

    Args:
        filters: Integer. Output channels, all groups together.
        kernel_size: Integer or pair. Rows and columns of the kernel.
        groups: Integer. Divides both the input channels and `filters`.
        **kwargs: As `keras.layers.Conv2D`.

    Input: float tensor `(batch, height, width, in_channels)`; output: the same with
    `filters` channels and the height and width of an ordinary convolution.
    """

    def __init__(
        self,
        filters: int,
        kernel_size: int | tuple[int, int],
        groups: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(filters, kernel_size, groups=groups, **kwargs)
        if self.data_format != "channels_last":
            raise ValueError(
                "GroupedConv2D expects data_format='channels_last'. "
                f"Received: data_format={self.data_format!r}"
            )

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        if self.groups == 1 or tf.config.list_physical_devices("GPU"):
            outputs = self._convolve(inputs, self.kernel)
        else:
            outputs = tf.concat(
                [
                    self._convolve(tower, kernel)
                    for tower, kernel in zip(
                        tf.split(inputs, self.groups, axis=-1),
                        tf.split(self.kernel, self.groups, axis=-1),
                        strict=True,
                    )
                ],
                axis=-1,
            )
        if self.use_bias:
            outputs = tf.nn.bias_add(outputs, self.bias)
        return outputs if self.activation is None else self.activation(outputs)

    def _convolve(self, inputs: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
        return tf.nn.conv2d(
            inputs,
            kernel,
            strides=self.strides,
            padding=self.padding.upper(),
            dilations=self.dilation_rate,
        )
