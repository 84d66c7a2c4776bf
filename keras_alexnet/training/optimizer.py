"""The paper's update rule (section 5) as a Keras optimizer."""

from typing import Any

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("keras_alexnet")
class CoupledSGD(keras.optimizers.Optimizer):
    """Momentum SGD with weight decay and learning rate inside the velocity.

    ```
    v <- momentum * v - decay * rate * w - rate * g
    w <- w + v
    ```

    `g` is the gradient of the mean loss over the batch. Biases have no decay, and their
    rate is `bias_rate` times the rate of the weights. `keras.optimizers.SGD` differs:
    its `weight_decay` acts outside the momentum.

    Args:
        learning_rate: Float, variable or schedule; the paper starts at 0.01.
        momentum: Float in [0, 1).
        decay: Float. Weight decay coefficient of kernels; the paper's is 0.0005.
        bias_rate: Float. Learning rate of biases over that of weights; 1 in the paper,
            2 in the network as it was run.
        **kwargs: As `keras.optimizers.Optimizer`.

    Reference: Krizhevsky et al. 2012, section 5; weights.cu of the release.
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.9,
        decay: float = 0.0005,
        bias_rate: float = 1.0,
        name: str = "coupled_sgd",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        if not 0 <= momentum < 1 or decay < 0 or bias_rate < 0:
            raise ValueError(
                "CoupledSGD needs 0 <= momentum < 1, decay >= 0 and bias_rate >= 0. "
                f"Received: momentum={momentum}, decay={decay}, bias_rate={bias_rate}"
            )
        self.momentum = momentum
        self.decay = decay
        self.bias_rate = bias_rate

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = [
            self.add_variable_from_reference(variable, name="velocity")
            for variable in variables
        ]
        self._biases = [v.path.rsplit("/", 1)[-1] == "bias" for v in variables]

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        rate = tf.cast(learning_rate, variable.dtype)
        gradient = tf.cast(gradient, variable.dtype)
        if self._biases[index]:
            rate = rate * self.bias_rate
        elif self.decay:
            gradient = gradient + self.decay * variable
        # One fused pass over the weights: v <- momentum v - rate g; w <- w + v.
        tf.raw_ops.ResourceApplyKerasMomentum(
            var=variable.handle,
            accum=self._velocities[index].value.handle,
            lr=rate,
            grad=gradient,
            momentum=tf.constant(self.momentum, variable.dtype),
            use_locking=True,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "decay": self.decay,
            "bias_rate": self.bias_rate,
        }
