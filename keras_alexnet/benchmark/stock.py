"""The same network from parts that Keras and TensorFlow ship, for comparison."""

import keras
import tensorflow as tf

from keras_alexnet.layers import (
    GroupedConv2D,
    InMapResponseNormalization,
    LocalResponseNormalization,
)
from keras_alexnet.models import alexnet
from keras_alexnet.presets import Preset


def stock_network(preset: Preset, num_classes: int) -> keras.Model:
    """Compile the network of parts that Keras ships, which know no rate of biases."""
    recipe = preset.recipe
    ours = alexnet(preset, num_classes, seed=0, dtype=recipe.precision)
    model = stock_copy(ours, recipe.decay)
    model.compile(
        keras.optimizers.SGD(recipe.learning_rate, momentum=recipe.momentum),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def stock_copy(model: keras.Model, decay: float) -> keras.Model:
    """Copy a network with `Conv2D(groups=)` and `tf.nn.local_response_normalization`.

    Gradients are TensorFlow's own, and weight decay is an L2 regulariser of the
    kernels, the way that needs no optimizer of one's own. Weights are the same.
    """

    def stock_layer(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if "kernel_regularizer" in config:
            # The penalty decay / 2 * w^2 has the gradient decay * w.
            config["kernel_regularizer"] = keras.regularizers.L2(decay / 2)
        return _STOCK.get(type(layer), type(layer)).from_config(config)

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


_STOCK = {
    GroupedConv2D: keras.layers.Conv2D,
    LocalResponseNormalization: _StockLRN,
    InMapResponseNormalization: _StockInMap,
}
