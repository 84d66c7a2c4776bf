"""Class probabilities from the logits of a picture's views."""

from collections.abc import Callable

import tensorflow as tf


def view_probabilities(
    network: Callable[..., tf.Tensor],
) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function from images to class probabilities.

    It takes `(batch, size, size, 3)` or `(batch, views, size, size, 3)` and gives
    `(batch, classes)`: the softmax, averaged over the views where there are several.

    Args:
        network: A Keras model, or what is called as one: images to logits.
    """

    def probabilities(images: tf.Tensor) -> tf.Tensor:
        if images.shape.rank == 4:
            return tf.nn.softmax(network(images, training=False))
        flat = tf.reshape(images, (-1, *images.shape[2:]))
        softmax = tf.nn.softmax(network(flat, training=False))
        views = tf.reshape(softmax, (-1, images.shape[1], softmax.shape[-1]))
        return tf.reduce_mean(views, axis=1)

    return probabilities
