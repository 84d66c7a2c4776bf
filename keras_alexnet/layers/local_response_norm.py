"""Local response normalisation across channels (paper, section 3.3)."""

import functools
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.layers.compiled_norm import compiled, compiled_normalize, compiles
from keras_alexnet.layers.kernel_forms import current_forms
from keras_alexnet.layers.response_norm import (
    ResponseNormalization,
    response_normalize,
    widened,
)


@dataclass(frozen=True)
class ChannelWindow:
    """Channels within a distance: a run of the last axis."""

    radius: int

    def sum(self, x: tf.Tensor, factor: float, depth: int) -> tf.Tensor:
        """Return a factor times the sum around each number, by a matrix product.

        Args:
            x: Floating tensor of any shape.
            factor: Of the sum; inside the product it costs no pass over memory.
            depth: Channels that see each other; the last axis holds one run or more.
        """
        offsets = np.arange(depth)
        neighbours = np.abs(offsets[:, None] - offsets) <= self.radius
        window = tf.constant(factor * neighbours, x.dtype)
        return tf.reshape(tf.reshape(x, (-1, depth)) @ window, tf.shape(x))

    def gather(self, x: tf.Tensor, power: int) -> tf.Tensor:
        """Return the channels between zeros, whatever the power."""
        return _between_zeros(x, self.radius)

    def total(self, gathered: tf.Tensor, power: int) -> tf.Tensor:
        """Return the sums of powers around each channel."""
        depth = gathered.shape[-1] - 2 * self.radius
        shifted = [gathered[..., i : i + depth] for i in range(2 * self.radius + 1)]
        return tf.add_n([channels**power for channels in shifted])

    def centre(self, x: tf.Tensor, gathered: tf.Tensor) -> tf.Tensor:
        """Return the channels without the zeros."""
        return gathered[..., self.radius : gathered.shape[-1] - self.radius]


@compiled
def _between_zeros(x: tf.Tensor, radius: int) -> tf.Tensor:
    border = [[0, 0]] * (x.shape.rank - 1) + [[radius, radius]]
    return tf.pad(widened(x), border)


@keras.saving.register_keras_serializable("keras_alexnet")
class LocalResponseNormalization(ResponseNormalization):
    """Divide each activation by the activity of its neighbours in channel order.

    ```
    y[i] = x[i] / (bias + alpha * sum(x[j]**2 for |j - i| <= depth_radius)) ** beta
    ```

    `alpha` is **per squared term**, as in TensorFlow and in the paper's formula. Caffe,
    PyTorch and cuda-convnet divide theirs by the window size: pass `alpha / size` to
    get the same numbers. The window is clipped at the first and last channel and, with
    `groups=2`, at the seam between the two towers.

    The arithmetic is float32 whatever the dtype policy. The window sum is a matrix
    product, which is some three times faster with its gradient, on CPUs and on GPUs;
    where XLA compiles for a GPU it is the native kernel (see `KernelForms`). On a CPU a
    large batch of a known size is two to three times faster than that, compiled by XLA.

    Args:
        depth_radius: Integer. Channels to each side; the paper's n = 5 is radius 2.
        bias: Float. `k` of the paper.
        alpha: Float. Coefficient of each squared term.
        beta: Float. Exponent.
        groups: Integer. Number of equal channel groups that do not see each other.

    Input and output: float tensor of shape `(batch, height, width, channels)`.

    Example:

    >>> norm = LocalResponseNormalization(depth_radius=2, bias=2, alpha=1e-4, beta=0.75)
    >>> norm(images).shape == images.shape

    Reference: Krizhevsky et al. 2012, section 3.3.
    """

    def __init__(
        self,
        depth_radius: int = 2,
        bias: float = 2.0,
        alpha: float = 1e-4,
        beta: float = 0.75,
        groups: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(bias, alpha, beta, **kwargs)
        if not (depth_radius >= 0 and groups >= 1):
            raise ValueError(
                "LocalResponseNormalization needs depth_radius >= 0 and groups >= 1. "
                f"Received: depth_radius={depth_radius}, groups={groups}"
            )
        self.depth_radius = depth_radius
        self.groups = groups

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        channels = input_shape[-1]
        if len(input_shape) != 4 or channels is None or channels % self.groups:
            raise ValueError(
                "LocalResponseNormalization expects (batch, height, width, channels) "
                f"with channels divisible by groups={self.groups}. "
                f"Received: input_shape={input_shape}"
            )
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        depth = inputs.shape[-1] // self.groups
        if not current_forms(inputs.dtype).product_norm:
            return self._native(inputs, depth)

        radius = min(self.depth_radius, depth - 1)
        if not compiles(inputs):
            window_sum = functools.partial(ChannelWindow(radius).sum, depth=depth)
            return response_normalize(inputs, window_sum, **self.constants)
        towers = tf.reshape(inputs, (*inputs.shape[:-1], self.groups, depth))
        towers = compiled_normalize(towers, ChannelWindow(radius), **self.constants)
        return tf.reshape(towers, inputs.shape)

    def _native(self, inputs: tf.Tensor, depth: int) -> tf.Tensor:
        # A group is a run of channels, so groups may as well lie along the width.
        batch, height = tf.shape(inputs)[0], tf.shape(inputs)[1]
        normalized = tf.nn.local_response_normalization(
            tf.reshape(tf.cast(inputs, tf.float32), (batch, height, -1, depth)),
            depth_radius=self.depth_radius,
            bias=self.bias,
            alpha=self.alpha,
            beta=self.beta,
        )
        return tf.cast(tf.reshape(normalized, tf.shape(inputs)), inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_radius": self.depth_radius,
            "groups": self.groups,
        }
