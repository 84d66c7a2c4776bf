"""The unpublished in-map normalisation of the network as it was run."""

from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.layers.compiled_norm import compiled, compiled_normalize, compiles
from keras_alexnet.layers.response_norm import (
    ResponseNormalization,
    response_normalize,
    widened,
)


@dataclass(frozen=True)
class MapWindow:
    """A square of so many pixels a side in each map, around its middle."""

    size: int

    def sum(self, x: tf.Tensor, factor: float) -> tf.Tensor:
        """Return a factor times the sum around each pixel."""
        return self._mean(tf.pad(x, self._border)) * (factor * self.size**2)

    def gather(self, x: tf.Tensor, power: int) -> tf.Tensor:
        """Return the mean of the powers around each pixel."""
        return self._mean(_powers_between_zeros(x, power, self._border))

    def total(self, gathered: tf.Tensor, power: int) -> tf.Tensor:
        """Return the sums."""
        return gathered * float(self.size**2)

    def centre(self, x: tf.Tensor, gathered: tf.Tensor) -> tf.Tensor:
        """Return the maps."""
        return widened(x)

    @property
    def _border(self) -> tuple[tuple[int, int], ...]:
        radius = self.size // 2
        return ((0, 0), (radius, radius), (radius, radius), (0, 0))

    def _mean(self, padded: tf.Tensor) -> tf.Tensor:
        # Not SAME pooling: TensorFlow divides that by the number of real pixels.
        return tf.nn.avg_pool2d(padded, self.size, 1, "VALID")


@compiled
def _powers_between_zeros(
    x: tf.Tensor, power: int, border: tuple[tuple[int, int], ...]
) -> tf.Tensor:
    return tf.pad(widened(x) ** power, border)


@keras.saving.register_keras_serializable("keras_alexnet")
class InMapResponseNormalization(ResponseNormalization):
    """Divide each activation by the activity around it in its own map.

    ```
    y[r, c] = x[r, c] / (bias + alpha * sum(x**2 in the size x size window)) ** beta
    ```

    The window is clipped at the border of the map. `alpha` is per squared term;
    cuda-convnet divides its `scale` by `size**2`, so the released 0.001 over 5 x 5 is
    4e-5 here. The arithmetic is float32 whatever the dtype policy.

    Args:
        size: Odd integer. Side of the window in pixels.
        bias: Float. Constant of the denominator.
        alpha: Float. Coefficient of each squared term.
        beta: Float. Exponent.

    Input and output: float tensor of shape `(batch, height, width, channels)`.

    Reference: layers-145.cfg of the 2012 source (layers cnorm2a and cnorm2b); the paper
    does not mention it.
    """

    def __init__(
        self,
        size: int = 5,
        bias: float = 1.0,
        alpha: float = 4e-5,
        beta: float = 0.75,
        **kwargs: Any,
    ) -> None:
        super().__init__(bias, alpha, beta, **kwargs)
        if size < 1 or size % 2 == 0:
            raise ValueError(
                f"InMapResponseNormalization needs an odd size. Received: size={size}"
            )
        self.size = size

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        window = MapWindow(self.size)
        if compiles(inputs):
            return compiled_normalize(inputs, window, **self.constants)
        return response_normalize(inputs, window.sum, **self.constants)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}
