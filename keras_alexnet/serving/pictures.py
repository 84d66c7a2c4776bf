"""From the bytes of a picture to what the network takes of it."""

import numpy as np
import tensorflow as tf

from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords.images.decode import Rejected, decode_oriented, header_size


def check_header(data: bytes, most_pixels: int) -> tuple[int, int]:
    """Return the width and height in pixels that a picture's header tells.

    Nothing is decoded.

    Raises:
        Refusal: Status 422; it is no picture, or has more pixels than these.
    """
    try:
        width, height = header_size(data)
    except Rejected as error:
        raise Refusal(422, error) from None
    if width * height > most_pixels:
        found = f"{width}x{height} pixels; at most {most_pixels:,} are decoded"
        raise Refusal(422, f"too_large: {found}")
    return width, height


class PictureReader:
    """Reads pictures as training, `evaluate` and `predict` do; any thread may call it.

    Args:
        network: Whose preprocessing it is.
        views: 1 or 10.

    Attributes:
        image_shape: Of what the network takes of a picture: `(size, size, 3)`, or
            `(10, size, size, 3)`.

    Raises:
        UserError: An export of an earlier release does not tell its preprocessing.
    """

    def __init__(self, network: TrainedNetwork, views: int) -> None:
        preprocessing = network.preprocessing
        size = preprocessing.input_size
        self.image_shape = (size, size, 3) if views == 1 else (views, size, size, 3)
        self._images = tf.function(
            lambda pixels, turn: preprocessing.pixel_images(pixels, turn, views),
            autograph=False,
        ).get_concrete_function(
            tf.TensorSpec((None, None, 3), tf.uint8), tf.TensorSpec((), tf.int32)
        )

    def read(self, data: bytes) -> np.ndarray:
        """Return what the network takes of a picture: float32 of `image_shape`.

        Pixels are Pillow's, of every kind of picture that `alexnet predict` reads; it
        hands TensorFlow the bytes only where TensorFlow finds the same.

        Raises:
            Refusal: Status 422; the picture cannot be read.
        """
        try:
            pixels, orientation = decode_oriented(data)
        except Rejected as error:
            raise Refusal(422, error) from None
        with tf.device("CPU:0"):
            turn = tf.constant(orientation, tf.int32)
            return self._images(tf.constant(pixels), turn).numpy()
