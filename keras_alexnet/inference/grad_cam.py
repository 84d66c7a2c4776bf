"""Where in its last maps a network finds a class, by gradients.

Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
localization", 2017.
"""

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.layers import LocallyConnected2D
from tfrecords.errors import UserError

_GIVE_MAPS = (keras.layers.Conv2D, LocallyConnected2D)


class GradCam:
    """Grad-CAM of one network.

    Args:
        model: A functional Keras model, images to logits.

    Raises:
        UserError: It has no convolution with a map of more than one pixel.
    """

    def __init__(self, model: keras.Model) -> None:
        self._both = keras.Model(model.input, [last_maps(model), model.output])
        self._weighted = tf.function(
            self._weighted_maps,
            input_signature=[
                tf.TensorSpec((1, *model.input_shape[1:]), tf.float32),
                tf.TensorSpec((), tf.int32),
            ],
            autograph=False,
        )

    def __call__(self, image: np.ndarray, class_index: int) -> np.ndarray:
        """Return what of the last maps speaks for a class.

        Each map is weighted by the mean of the logit's gradients for it; of their sum
        what is above 0 is divided by its maximum and scaled bilinearly to the image.

        Args:
            image: float32 `(size, size, channels)` with the mean subtracted.
            class_index: Place of the class in the label order.

        Returns:
            float32 `(size, size)` of 0 to 1; 0 everywhere if nothing is above 0.
        """
        found = tf.nn.relu(self._weighted(image[None], class_index))
        found = tf.math.divide_no_nan(found, tf.reduce_max(found))
        scaled = tf.image.resize(found[..., None], image.shape[:2], "bilinear")
        return scaled.numpy()[..., 0]

    def _weighted_maps(self, images: tf.Tensor, class_index: tf.Tensor) -> tf.Tensor:
        # What leads to the weights is of no use, whether they are trainable or frozen.
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(images)
            maps, logits = self._both(images, training=False)
            logit = logits[0, class_index]
        weights = tf.reduce_mean(tape.gradient(logit, maps), axis=(1, 2))
        return tf.linalg.matvec(maps, weights)[0]


def last_maps(model: keras.Model) -> keras.KerasTensor:
    """Return what the last convolution gives, after its activation.

    It is the last one with maps of more than one pixel: conv5 of AlexNet, conv3 of the
    nets for CIFAR-10, c3 of LeNet-5, whose c5 sees the whole picture at once. Where the
    activation comes later, after a pool or a normalisation, it is what that gives.

    Raises:
        UserError: There is none.
    """
    found = None
    for layer in model.layers:
        if isinstance(layer, _GIVE_MAPS) and max(layer.output.shape[1:3]) > 1:
            found, is_linear = layer, _is_linear(layer)
        elif found is not None and isinstance(layer, keras.layers.Activation):
            if is_linear:
                found, is_linear = layer, False
    if found is None:
        raise UserError(
            f"Expected a network with a convolution for Grad-CAM, got {model.name}, "
            "whose layers have no map of more than one pixel. Take occlusion."
        )
    return found.output


def _is_linear(layer: keras.Layer) -> bool:
    return layer.activation is keras.activations.linear
