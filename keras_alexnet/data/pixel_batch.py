"""Batches of uint8 pictures, and the inputs of a network that become of them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_alexnet.data.mean import subtract_mean

# See records.py.
do_not_convert = tf.autograph.experimental.do_not_convert


class PixelBatch(NamedTuple):
    """A batch of which the mean is still to be subtracted, wherever it is computed on.

    A quarter of the bytes of the inputs: what a pipeline should send to a device.

    Attributes:
        images: uint8 `(batch, ..., side, side, 3)`, RGB, with or without an axis of
            views.
        offsets: float32 `(batch, 3)`: the colour noise in the scale of the inputs.
        scale: float32 scalar: what the pictures are multiplied by.
    """

    images: tf.Tensor
    offsets: tf.Tensor
    scale: tf.Tensor

    @classmethod
    def without_noise(cls, images: tf.Tensor) -> "PixelBatch":
        """Return pictures without colour noise, at their own scale."""
        return cls(images, tf.zeros((tf.shape(images)[0], 3)), tf.constant(1.0))

    def normalized(self, patch: np.ndarray) -> tf.Tensor:
        """Return the inputs of a network: the same bits in a pipeline and in a step.

        Args:
            patch: The mean: float32 `(side, side, 3)`, from `mean_patch`, or one for
                each view, `(views, side, side, 3)`.

        Returns:
            float32 of the shape of the images, RGB of 0-255 scale, mean subtracted.
        """
        return subtract_mean(self.images, patch, self.offsets, self.scale)


def normalized_batches(batches: tf.data.Dataset, patch: np.ndarray) -> tf.data.Dataset:
    """Turn a dataset of `(PixelBatch, labels)` into one of `(images, labels)`."""
    return batches.map(
        do_not_convert(lambda pixels, labels: (pixels.normalized(patch), labels)),
        num_parallel_calls=1,
        deterministic=True,
    )
