"""A crop of one stored picture, for each encoding of a dataset."""

from collections.abc import Callable
from functools import partial

import tensorflow as tf

from keras_alexnet.data.picture import square_of
from keras_alexnet.data.pixels import DCT_METHOD
from tfrecords import Manifest
from tfrecords.errors import DatasetError
from tfrecords.images.options import JPEG, ORIGINAL, RAW

Crop = Callable[[tf.Tensor, tf.Tensor, int], tf.Tensor]


def crop_reader(manifest: Manifest) -> Crop:
    """Return what reads crops of this dataset's pictures.

    Returns:
        Function of the stored bytes, of the crop's upper left corner in the square of
        `manifest.image_size` (int32, row and column), and of its side in pixels. It
        gives uint8 `(side, side, 3)`, RGB.

    Raises:
        DatasetError: The manifest names an encoding that is unknown.
    """
    encoding = manifest.options.get("encoding", JPEG)
    if encoding == JPEG:
        return jpeg_crop
    if encoding == RAW:
        return partial(raw_crop, manifest.image_size)
    if encoding == ORIGINAL:
        options = manifest.options
        made = (options["filter"], manifest.resize)
        return partial(original_crop, manifest.image_size, *made)
    raise DatasetError(
        f"Expected a dataset whose encoding is {JPEG}, {ORIGINAL} or {RAW}; got "
        f"{encoding!r}. Build it again with this release."
    )


def jpeg_crop(encoded: tf.Tensor, corner: tf.Tensor, side: int) -> tf.Tensor:
    """Decode no more of a square JPEG than the crop needs."""
    image = jpeg_window(encoded, tf.concat([corner, [side, side]], axis=0))
    return tf.ensure_shape(image, (side, side, 3))


def jpeg_window(encoded: tf.Tensor, window: tf.Tensor) -> tf.Tensor:
    """Decode a part of a JPEG: uint8 `(height, width, 3)`, RGB.

    Args:
        encoded: Scalar string.
        window: int32 `(4,)`: top, left, height and width.
    """
    return tf.io.decode_and_crop_jpeg(
        encoded, window, channels=3, dct_method=DCT_METHOD
    )


def raw_crop(
    stored: int, encoded: tf.Tensor, corner: tf.Tensor, side: int
) -> tf.Tensor:
    """Cut the crop out of `stored * stored * 3` bytes of pixels."""
    # Of two dimensions: then a slice copies whole rows.
    rows = tf.reshape(tf.io.decode_raw(encoded, tf.uint8), (stored, stored * 3))
    crop = tf.slice(rows, corner * [1, 3], (side, side * 3))
    return tf.reshape(crop, (side, side, 3))


def original_crop(
    stored: int,
    resize_filter: str,
    resize: str,
    encoded: tf.Tensor,
    corner: tf.Tensor,
    side: int,
) -> tf.Tensor:
    """Decode a JPEG of any size and scale it as the build would have done."""
    image = tf.io.decode_jpeg(encoded, channels=3, dct_method=DCT_METHOD)
    square = tf.cast(square_of(image, stored, resize_filter, resize), tf.uint8)
    crop = tf.slice(square, tf.concat([corner, [0]], axis=0), (side, side, 3))
    return tf.ensure_shape(crop, (side, side, 3))
