"""What the first convolution looks for, and where it finds that (figure 3)."""

import numpy as np

from keras_alexnet.inference.features import FeatureExtractor
from keras_alexnet.inference.picture_bytes import (
    Picture,
    answer_pictures,
    check_picture,
    unreadable,
)
from tfrecords.errors import UserError


class FirstLayer:
    """The kernels of conv1, and its responses to pictures.

    Args:
        kernel: float32 `(rows, columns, colours, channels)`, of RGB or grey.
        extractor: Of conv1 after its activation.
        towers: In how many parts the channels fall, the first tower's first.

    Attributes:
        kernels: uint8 `(channels, rows, columns, 3)`, RGB: each scaled from its least
            weight to its largest.
        towers: As given.
    """

    def __init__(
        self, kernel: np.ndarray, extractor: FeatureExtractor, towers: int
    ) -> None:
        self.kernels = kernel_pictures(kernel)
        self.towers = towers
        self._extractor = extractor

    def responses(self, picture: Picture) -> np.ndarray:
        """Return what the layer gives for the centre view of a picture.

        Returns:
            float32 `(channels, rows, columns)`.

        Raises:
            UserError: The picture cannot be read.
        """
        check_picture(picture)
        (answer,) = answer_pictures([picture], self._extractor)
        if isinstance(answer, str):
            raise UserError(unreadable(0, picture, answer))
        return answer[0].transpose(2, 0, 1)


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
