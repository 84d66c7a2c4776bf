"""Loss scaling for float16 on several devices."""

import keras
import tensorflow as tf

from keras_alexnet.training.update.optimizer import beside


@keras.saving.register_keras_serializable("keras_alexnet")
class LossScale(keras.optimizers.LossScaleOptimizer):
    """`keras.optimizers.LossScaleOptimizer` for weights and replicas on many devices.

    The same rule, and on one device the same values. Keras examines and unscales all
    gradients on the first device, and so sends it every gradient of the other tower,
    and back. Of several replicas it asks the first alone whether its gradients are
    finite; here an overflow in any of them leaves out the step in all.

    Args:
        inner_optimizer: A `CoupledSGD`.
        **kwargs: As `keras.optimizers.LossScaleOptimizer`.
    """

    def check_finite(self, grads: list[tf.Tensor]) -> tf.Tensor:
        """Return whether all gradients of all replicas are finite, a scalar."""
        finite = []
        # Not strict: of some weights alone the order only chooses the device.
        for gradient, weight in zip(grads, self._trainable_variables, strict=False):
            if gradient is not None:
                with beside(weight.value):
                    finite.append(tf.reduce_all(tf.math.is_finite(gradient)))
        replicas = tf.distribute.get_replica_context()
        if replicas is None or replicas.num_replicas_in_sync == 1:
            return tf.reduce_all(finite)
        overflows = tf.cast(~tf.reduce_all(finite), tf.float32)
        return replicas.all_reduce(tf.distribute.ReduceOp.SUM, overflows) == 0

    def _stateful_handle_finite_grads(
        self,
        grads: list[tf.Tensor],
        trainable_variables: list[keras.Variable] | None,
    ) -> None:
        weights = trainable_variables or self._trainable_variables
        scale = tf.convert_to_tensor(self.dynamic_scale)
        unscaled = []
        for gradient, weight in zip(grads, weights, strict=True):
            # Of one that takes its gradient as its value, this was never scaled.
            if gradient is None or self._overwrite_variable_with_gradient(weight):
                unscaled.append(gradient)
                continue
            with beside(weight.value):
                unscaled.append(gradient / scale)
        self.inner_optimizer.apply(unscaled, trainable_variables=trainable_variables)

        def upscale() -> None:
            self.step_counter.assign(0)
            self.dynamic_scale.assign(self.dynamic_scale * 2.0)

        def count() -> None:
            self.step_counter.assign_add(1)

        grown = self.step_counter == self.dynamic_growth_steps - 1
        keras.ops.cond(grown, upscale, count)
