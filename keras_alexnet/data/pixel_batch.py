"""Pictures as the pipeline cuts them, and the inputs that become of them."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from keras_alexnet.data.mean import normalize


class Crops(NamedTuple):
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
    def plain(cls, images: tf.Tensor) -> "Crops":
        """Return pictures without noise, at their own scale."""
        return cls(images, tf.zeros((tf.shape(images)[0], 3)), tf.constant(1.0))

    def normalized(self, patch: np.ndarray) -> tf.Tensor:
        """Return the inputs of a network: the same bits in a pipeline and in a step.

        Args:
            patch: The mean: float32 `(side, side, 3)`, from `mean_patch`.

        Returns:
            float32 of the shape of the images, RGB of 0-255 scale, mean subtracted.
        """
        return normalize(self.images, patch, self.offsets, self.scale)
