"""A response normalisation in few passes over memory, which XLA compiles for a CPU."""

import functools
import math
from typing import Any, Protocol

import tensorflow as tf

from keras_alexnet.layers.gradient_scope import gradient_scope
from keras_alexnet.layers.kernel_forms import current_forms
from keras_alexnet.layers.response_norm import negative_power, widened

# To compile takes 0.1 to 0.5 s a kernel; less than this lies in a cache anyway.
LEAST_NUMBERS = 2**20


class CompiledWindow(Protocol):
    """A symmetric window whose sum XLA takes, in whole or in part.

    What pads is a kernel of its own: XLA would compute a padded value where it is used,
    with a question for each number, several times slower.
    """

    def __hash__(self) -> int: ...

    def gather(self, x: tf.Tensor, power: int) -> tf.Tensor:
        """Return what `total` takes of `x ** power`, by kernels of their own."""
        ...

    def total(self, gathered: tf.Tensor, power: int) -> tf.Tensor:
        """Return the sums of `x ** power`, as part of a kernel."""
        ...

    def centre(self, x: tf.Tensor, gathered: tf.Tensor) -> tf.Tensor:
        """Return `x`, from where a kernel reads it anyway."""
        ...


def compiles(inputs: tf.Tensor) -> bool:
    """Return whether a normalisation of these is compiled.

    It is on CPUs, where the shape is known whole, the batch too, and large: XLA
    compiles for each size of a batch anew. The batches of a server and of what is
    exported have any size, and an export has to run where there is no XLA.
    """
    numbers = math.prod(size or 0 for size in inputs.shape)
    return numbers >= LEAST_NUMBERS and current_forms(inputs.dtype).compiled_norm


def compiled_normalize(
    inputs: tf.Tensor,
    window: CompiledWindow,
    *,
    bias: float,
    alpha: float,
    beta: float,
) -> tf.Tensor:
    """Return what `response_normalize` does, and its gradient.

    Where that has a pass over memory for each operation, and keeps two results for the
    gradient, here a kernel computes from the inputs all that it needs.

    Args:
        inputs: Floating tensor of a shape that is known. Anything but float64 is
            computed in float32.
        window: A hashable value; layers of equal windows and constants share kernels.
        bias: As for `response_normalize`, like all that follow.
        alpha: Coefficient of each squared term.
        beta: Exponent.

    Returns:
        Tensor of the shape and dtype of `inputs`.
    """
    kernels = _kernels_of(window, bias, alpha, beta)
    named = gradient_scope()

    @tf.custom_gradient
    def normalized(x: tf.Tensor):
        gathered = window.gather(x, 2)

        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            with named():
                parts = kernels.parts(x, gathered, upstream)
                spread = window.gather(parts, 1)
                return kernels.gradient(x, gathered, upstream, spread)

        return kernels.forward(x, gathered), gradient

    return normalized(inputs)


def compiled(function: Any) -> Any:
    """Return a function that XLA compiles."""
    return tf.function(function, jit_compile=True, autograph=False)


class _Kernels:
    """The compiled functions of a window and constants."""

    def __init__(
        self, window: CompiledWindow, bias: float, alpha: float, beta: float
    ) -> None:
        self._window = window
        self._bias, self._alpha, self._beta = bias, alpha, beta
        self.forward = compiled(self._forward)
        self.parts = compiled(self._parts)
        self.gradient = compiled(self._gradient)

    def _scale(self, gathered: tf.Tensor) -> tf.Tensor:
        return self._bias + self._alpha * self._window.total(gathered, 2)

    def _forward(self, x: tf.Tensor, gathered: tf.Tensor) -> tf.Tensor:
        power = negative_power(self._scale(gathered), self._beta)
        return tf.cast(self._window.centre(x, gathered) * power, x.dtype)

    def _parts(
        self, x: tf.Tensor, gathered: tf.Tensor, upstream: tf.Tensor
    ) -> tf.Tensor:
        scale = self._scale(gathered)
        y = self._window.centre(x, gathered) * negative_power(scale, self._beta)
        return widened(upstream) * y / scale

    def _gradient(
        self,
        x: tf.Tensor,
        gathered: tf.Tensor,
        upstream: tf.Tensor,
        spread: tf.Tensor,
    ) -> tf.Tensor:
        power = negative_power(self._scale(gathered), self._beta)
        around = self._window.total(spread, 1)
        factor = -2.0 * self._alpha * self._beta
        slope = widened(upstream) * power
        slope += factor * self._window.centre(x, gathered) * around
        return tf.cast(slope, x.dtype)


# One for all layers that are alike: XLA compiles each anew.
_kernels_of = functools.cache(_Kernels)
