"""A fully connected layer whose gradient is as fast as itself."""

from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.layers.gradient_scope import gradient_scope
from keras_alexnet.layers.kernel_forms import current_forms


@keras.saving.register_keras_serializable("keras_alexnet")
class Dense(keras.layers.Dense):
    """`keras.layers.Dense`, with the same values, gradients, weights and options.

    On CPUs the gradient of its float32 inputs is one product with the kernel as it
    lies. TensorFlow's own turns the kernel round at each step, all 151 MB of fc6's:
    with 32 images that takes three times as long as multiplying by it.
    """

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        plain = self.activation in (keras.activations.linear, keras.activations.relu)
        if not (
            plain
            and self.use_bias
            and inputs.shape.rank == 2
            and inputs.dtype == tf.float32
            and current_forms(inputs.dtype).lying_kernels
        ):
            return super().call(inputs, training=training)
        rectified = self.activation is keras.activations.relu
        kernel, bias = map(tf.convert_to_tensor, (self.kernel, self.bias))
        return _connected(inputs, kernel, bias, rectified)

    def quantize(
        self, mode: str | None = None, type_check: bool = True, **options: Any
    ) -> None:
        """Quantise as Keras does its own class alone."""
        others = type_check and type(self) is not Dense
        super().quantize(mode, type_check=others, **options)


def _connected(
    inputs: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, rectified: bool
) -> tf.Tensor:
    named = gradient_scope()

    # All three at once: TensorFlow fuses them, but not across a gradient of ours.
    @tf.custom_gradient
    def connected(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor):
        y = tf.nn.bias_add(x @ kernel, bias)
        y = tf.nn.relu(y) if rectified else y

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, ...]:
            with named():
                if rectified:
                    upstream = tf.raw_ops.ReluGrad(gradients=upstream, features=y)
                of_inputs = tf.transpose(tf.matmul(kernel, upstream, transpose_b=True))
                of_kernel = tf.matmul(x, upstream, transpose_a=True)
                of_bias = tf.raw_ops.BiasAddGrad(out_backprop=upstream)
            return of_inputs, of_kernel, of_bias

        return y, gradient

    return connected(inputs, kernel, bias)
