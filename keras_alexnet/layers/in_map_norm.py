"""The unpublished in-map normalisation of the network as it was run."""

from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.layers import response_norm


@keras.saving.register_keras_serializable("keras_alexnet")
class InMapResponseNormalization(response_norm.ResponseNormalization):
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
        radius = self.size // 2
        border = [[0, 0], [radius, radius], [radius, radius], [0, 0]]

        def window_sum(x: tf.Tensor, factor: float) -> tf.Tensor:
            # Not SAME pooling: TensorFlow divides that by the number of real pixels.
            mean = tf.nn.avg_pool2d(tf.pad(x, border), self.size, 1, "VALID")
            return mean * (factor * self.size**2)

        return response_norm.response_normalize(
            inputs, window_sum, bias=self.bias, alpha=self.alpha, beta=self.beta
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size}
