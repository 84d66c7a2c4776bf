"""The same network from parts that Keras and TensorFlow ship, for comparison."""

import keras
import tensorflow as tf

from keras_alexnet.layers import (
    GroupedConv2D,
    InMapResponseNormalization,
    LocalResponseNormalization,
)


def stock_copy(model: keras.Model, decay: float) -> keras.Model:
    """Copy a network with `Conv2D(groups=)` and `tf.nn.local_response_normalization`.

    Gradients are TensorFlow's own, and weight decay is an L2 regulariser of the
    kernels, the way that needs no optimizer of one's own. Weights are the same.
    """

    def stock_layer(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if isinstance(layer, LocalResponseNormalization):
            return _StockLRN.from_config(config)
        if isinstance(layer, InMapResponseNormalization):
            return _StockInMap.from_config(config)
        if isinstance(layer, GroupedConv2D | keras.layers.Dense):
            kind = type(layer)
            kind = keras.layers.Conv2D if kind is GroupedConv2D else kind
            # The penalty decay / 2 * w^2 has the gradient decay * w.
            return kind.from_config(
                {**config, "kernel_regularizer": keras.regularizers.L2(decay / 2)}
            )
        return type(layer).from_config(config)

    copy = keras.models.clone_model(model, clone_function=stock_layer)
    copy.set_weights(model.get_weights())
    return copy


class _StockLRN(LocalResponseNormalization):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return self._native(inputs, inputs.shape[-1] // self.groups)


class _StockInMap(InMapResponseNormalization):
    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        radius = self.size // 2
        x = tf.cast(inputs, tf.float32)
        square = tf.pad(x * x, [[0, 0], [radius] * 2, [radius] * 2, [0, 0]])
        total = tf.nn.avg_pool2d(square, self.size, 1, "VALID") * self.size**2
        return tf.cast(x / (self.bias + self.alpha * total) ** self.beta, inputs.dtype)
