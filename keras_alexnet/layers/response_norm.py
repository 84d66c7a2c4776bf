"""The arithmetic that both response normalisations share."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.layers.gradient_scope import gradient_scope

WindowSum = Callable[[tf.Tensor, float], tf.Tensor]


def response_normalize(
    inputs: tf.Tensor, window_sum: WindowSum, *, bias: float, alpha: float, beta: float
) -> tf.Tensor:
    """Return `x / (bias + window_sum(x^2, alpha)) ** beta` with its exact gradient.

    The gradient is written out because TensorFlow's own LRN gradient kernel is several
    times slower on CPUs. It needs one more window sum and no division by `x`:
    `dx = g * p + x * window_sum(g * y / s, -2 * alpha * beta)`.

    Args:
        inputs: Floating tensor. Anything but float64 is computed in float32: squares of
            raw-scale activations overflow float16, and bfloat16 has no LRN kernel.
        window_sum: Sum over a symmetric window around each element, times a factor:
            a factor inside the sum's kernel costs no pass over memory.
        bias: `k` of the paper, section 3.3.
        alpha: Coefficient of each squared term.
        beta: Exponent.

    Returns:
        Tensor of the shape and dtype of `inputs`.
    """
    named = gradient_scope()

    @tf.custom_gradient
    def normalized(x: tf.Tensor):
        scale = bias + window_sum(tf.square(x), alpha)
        power = negative_power(scale, beta)
        y = x * power

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            with named():
                spread = window_sum(upstream * y / scale, -2.0 * alpha * beta)
                return upstream * power + x * spread

        return y, gradient

    return tf.cast(normalized(widened(inputs)), inputs.dtype)


def widened(x: tf.Tensor) -> tf.Tensor:
    """Return numbers of the type in which a normalisation computes."""
    return tf.cast(x, tf.float64 if x.dtype == tf.float64 else tf.float32)


def negative_power(scale: tf.Tensor, beta: float) -> tf.Tensor:
    """Return `scale ** -beta`, of positive numbers."""
    # tf.pow costs seven passes over memory on a CPU; square roots cost one each.
    if beta == 0.75:
        root = tf.math.rsqrt(scale)
        return root * tf.sqrt(root)
    if beta == 0.5:
        return tf.math.rsqrt(scale)
    return tf.pow(scale, -beta)


class ResponseNormalization(keras.layers.Layer):
    """What the two normalisations share: the constants of the denominator."""

    def __init__(self, bias: float, alpha: float, beta: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        finite = max(bias, alpha, beta) < math.inf
        if not (bias > 0 and alpha >= 0 and beta > 0 and finite):
            raise ValueError(
                "Response normalisation needs bias > 0, alpha >= 0 and beta > 0, all "
                f"finite. Received: bias={bias}, alpha={alpha}, beta={beta}"
            )
        self.bias = bias
        self.alpha = alpha
        self.beta = beta

    @property
    def constants(self) -> dict[str, float]:
        """`bias`, `alpha` and `beta`."""
        return {"bias": self.bias, "alpha": self.alpha, "beta": self.beta}

    def compute_output_shape(
        self, input_shape: tuple[int | None, ...]
    ) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.constants}
