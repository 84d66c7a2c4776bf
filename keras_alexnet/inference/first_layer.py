"""What the first convolution looks for, and where it finds that (figure 3)."""

import keras
import numpy as np
import tensorflow as tf


class FirstLayer:
    """The kernels of conv1, and its responses to images.

    Args:
        kernel: float32 `(rows, columns, colours, channels)`, of RGB or grey.
        until: The network up to conv1 and its activation.
        towers: In how many parts the channels fall, the first tower's first.

    Attributes:
        kernel: As given.
        kernels: uint8 `(channels, rows, columns, 3)`, as `kernel_pictures` gives them.
        towers: As given.
    """

    def __init__(self, kernel: np.ndarray, until: keras.Model, towers: int) -> None:
        self.kernel = kernel
        self.kernels = kernel_pictures(kernel)
        self.towers = towers
        self._until = tf.function(
            lambda images: until(images, training=False),
            input_signature=[tf.TensorSpec(until.input_shape, tf.float32)],
            autograph=False,
        )

    def responses(self, image: np.ndarray) -> np.ndarray:
        """Return what the layer gives for an image.

        Args:
            image: float32 `(size, size, colours)` with the mean subtracted.

        Returns:
            float32 `(channels, rows, columns)`.
        """
        return self._until(image[None])[0].numpy().transpose(2, 0, 1)


def kernel_pictures(kernel: np.ndarray) -> np.ndarray:
    """Return kernels as pictures, each from its least weight, 0, to its largest, 255.

    Args:
        kernel: float32 `(rows, columns, colours, channels)`, of 3 colours or 1.

    Returns:
        uint8 `(channels, rows, columns, 3)`; one whose weights are equal is grey, 128.
    """
    kernels = np.moveaxis(np.asarray(kernel, np.float64), -1, 0)
    least = kernels.min((1, 2, 3), keepdims=True)
    width = kernels.max((1, 2, 3), keepdims=True) - least
    flat = width == 0
    scaled = np.where(flat, 128, 255 * (kernels - least) / np.where(flat, 1, width))
    return np.broadcast_to(np.rint(scaled).astype(np.uint8), (*kernels.shape[:3], 3))
