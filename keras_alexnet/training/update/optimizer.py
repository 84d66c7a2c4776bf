"""The paper's update rule (section 5) as a Keras optimizer."""

import contextlib
import math
from collections.abc import Mapping
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.layers.kernel_forms import current_forms
from tfrecords.errors import UserError


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

    Each weight has a factor on the learning rate, a variable (see `rate_factors`). A
    factor of 0 freezes: weight and velocity stay as they are, as in the release.

    Velocity and update are on the device of their weight, wherever that is.

    Attributes:
        jit_compile: Whether XLA compiles the update of each weight where it is several
            operations; for a step that XLA does not compile as a whole.

    Args:
        learning_rate: Float, variable or schedule; the paper starts at 0.01.
        momentum: Float in [0, 1).
        decay: Float. Weight decay coefficient of kernels; the paper's is 0.0005.
        bias_rate: Float. Learning rate of biases over that of weights; 1 in the paper,
            2 in the network as it was run.
        decays: Decay of the kernels of layers that have their own, by layer.
        **kwargs: As `keras.optimizers.Optimizer`; its `weight_decay` is a further one,
            outside the velocity and of biases too.

    Reference: Krizhevsky et al. 2012, section 5; weights.cu of the release.
    """

    jit_compile = False

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.9,
        decay: float = 0.0005,
        bias_rate: float = 1.0,
        decays: Mapping[str, float] | None = None,
        name: str = "coupled_sgd",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **kwargs)
        fixed = isinstance(learning_rate, int | float)
        own = dict(decays or {})
        limits = (decay, bias_rate, *own.values())
        inside = all(0 <= number < math.inf for number in limits)
        if fixed and not 0 <= learning_rate < math.inf:
            raise UserError(
                "CoupledSGD needs a finite learning_rate >= 0. "
                f"Received: {learning_rate}"
            )
        if not 0 <= momentum < 1 or not inside:
            raise UserError(
                "CoupledSGD needs 0 <= momentum < 1, and finite decay >= 0, decays >= "
                f"0 and bias_rate >= 0. Received: momentum={momentum}, decay={decay}, "
                f"decays={own}, bias_rate={bias_rate}"
            )
        self.momentum = momentum
        self.decay = decay
        self.bias_rate = bias_rate
        self.decays = own

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._velocities = [
            self.add_variable_from_reference(variable, name="velocity")
            for variable in variables
        ]
        self._biases = [v.path.rsplit("/", 1)[-1] == "bias" for v in variables]
        self._factors = [
            self._add_factor(variable, self.bias_rate if is_bias else 1.0)
            for variable, is_bias in zip(variables, self._biases, strict=True)
        ]

    def add_variable_from_reference(
        self, reference_variable: keras.Variable, *arguments: Any, **options: Any
    ) -> keras.Variable:
        """As Keras, on the device of the reference."""
        add = super().add_variable_from_reference
        with tf.init_scope(), beside(reference_variable.value):
            return add(reference_variable, *arguments, **options)

    @property
    def velocities(self) -> list[keras.Variable]:
        """The velocity of each weight, in the order of `build`."""
        return list(self._velocities)

    @property
    def rate_factors(self) -> dict[str, keras.Variable]:
        """What each weight's learning rate is multiplied by: float32, by path.

        At first 1, and `bias_rate` for biases. A new value acts from the next step on,
        in a compiled step too.
        """
        paths = [variable.path for variable in self._trainable_variables]
        return dict(zip(paths, self._factors, strict=True))

    def update_step(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        path = self._trainable_variables[self._get_variable_index(variable)].path
        rate = tf.convert_to_tensor(learning_rate)  # where it is kept
        with beside(variable), tf.name_scope(path):
            self._update(gradient, variable, rate)

    def _backend_update_step(
        self, grads: Any, trainable_variables: Any, learning_rate: Any
    ) -> None:
        if not tf.distribute.has_strategy():
            # Read once, it goes once to the other device, not with each weight.
            learning_rate = tf.convert_to_tensor(learning_rate)
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def _all_reduce_sum_gradients(self, grads_and_vars: Any) -> Any:
        # Keras sends the gradients through one identity even if there is one replica,
        # and all of them to the first device and back with it.
        if not tf.distribute.has_strategy():
            return grads_and_vars
        return super()._all_reduce_sum_gradients(grads_and_vars)

    def _update(
        self, gradient: tf.Tensor, variable: tf.Variable, learning_rate: tf.Tensor
    ) -> None:
        index = self._get_variable_index(variable)
        factor = tf.convert_to_tensor(self._factors[index].value)
        rate = tf.cast(learning_rate, variable.dtype) * tf.cast(factor, variable.dtype)
        gradient = tf.cast(gradient, variable.dtype)
        momentum = tf.constant(self.momentum, variable.dtype)
        layer = layer_of(self._trainable_variables[index].path)
        decay = 0.0 if self._biases[index] else self.decays.get(layer, self.decay)
        if not current_forms().branched_update:
            velocity = self._velocities[index].value.handle
            read = tf.raw_ops.ReadVariableOp(resource=velocity, dtype=variable.dtype)
            weight = tf.convert_to_tensor(variable)
            step = tf.function(_moved, jit_compile=True) if self.jit_compile else _moved
            moved = step(weight, read, gradient, rate, factor, momentum, decay)
            for handle, value in zip((variable.handle, velocity), moved, strict=True):
                tf.raw_ops.AssignVariableOp(resource=handle, value=value)
            return
        if decay and not self.momentum:
            gradient = gradient + decay * variable
        weight, velocity = variable.handle, self._velocities[index].value.handle

        def move() -> None:
            # The decay goes into v, in place, divided by what v is multiplied by next:
            # to add it to the gradient takes two passes over memory more, and a copy.
            if decay and self.momentum:
                tf.raw_ops.ResourceApplyGradientDescent(
                    var=velocity, alpha=decay * rate / momentum, delta=variable
                )
            # One fused pass: v <- momentum v - rate g; w <- w + v.
            tf.raw_ops.ResourceApplyKerasMomentum(
                var=weight,
                accum=velocity,
                lr=rate,
                grad=gradient,
                momentum=momentum,
                use_locking=True,
            )

        tf.cond(factor > 0, move, lambda: None)

    def _add_factor(self, variable: keras.Variable, value: float) -> keras.Variable:
        with tf.init_scope(), beside(variable.value):
            return self.add_variable(
                shape=(),
                initializer=keras.initializers.Constant(value),
                dtype="float32",
                aggregation="only_first_replica",
                name=f"{variable.path.replace('/', '_')}_rate_factor",
            )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "decay": self.decay,
            "decays": self.decays,
            "bias_rate": self.bias_rate,
        }


def layer_of(path: str) -> str:
    """Return the layer of a weight by its path; conv1_a and conv1_b are conv1."""
    return path.rpartition("/")[0].rpartition("/")[2].split("_")[0]


@tf.autograph.experimental.do_not_convert
def _moved(
    weight: tf.Tensor,
    velocity: tf.Tensor,
    gradient: tf.Tensor,
    rate: tf.Tensor,
    factor: tf.Tensor,
    momentum: tf.Tensor,
    decay: float,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Return weight and velocity after a step, in one pass where XLA compiles it."""
    moved = momentum * velocity - rate * (gradient + decay * weight)
    learns = factor > 0
    return tf.where(learns, weight + moved, weight), tf.where(learns, moved, velocity)


def beside(variable: tf.Variable) -> Any:
    """Return the device scope of a variable; under a strategy none, it sets its own."""
    replicated = isinstance(variable, tf.distribute.DistributedValues)
    if replicated or tf.distribute.has_strategy():
        return contextlib.nullcontext()
    return tf.device(variable.device)
