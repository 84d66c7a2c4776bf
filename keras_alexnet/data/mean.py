"""The training set's mean image and its subtraction (section 2)."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_alexnet.data import views
from tfrecords import Statistics
from tfrecords.addresses import Address, dataset_folder
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import UserError


def load_statistics(directory: Path | str | Address) -> Statistics:
    """Read the statistics beside the shards."""
    return Statistics.load(dataset_folder(directory) / STATISTICS_FILE)


def mean_patch(statistics: Statistics, size: int, mean: str = "image") -> np.ndarray:
    """Return what is subtracted from every view: float32 `(size, size, 3)`.

    Zeros for the mean `none`.

    The release crops the mean image to its centre once, wherever the view was cut.
    """
    if mean == "image":
        return views.centre_view(tf.constant(statistics.mean_image), size).numpy()
    if mean == "channel":
        channels = statistics.channel_means.astype("float32")
        return np.broadcast_to(channels, (size, size, 3)).copy()
    if mean == "none":
        return np.zeros((size, size, 3), "float32")
    raise UserError(f"Expected mean 'image', 'channel' or 'none'. Received: {mean!r}")


@tf.function(jit_compile=True)
def subtract_mean(
    images: tf.Tensor,
    patch: np.ndarray,
    offsets: tf.Tensor,
    scale: tf.Tensor,
) -> tf.Tensor:
    """Subtract the mean, multiply by a scale and add a colour to each image.

    Compiled, this is one pass over the pixels. Op by op it is four, of 77 MB a batch,
    and most of the work where pictures are stored raw. Rows are flattened to
    `width * 3`: an innermost dimension of 3 is slow to broadcast.

    Args:
        images: Numbers `(batch, ..., height, width, 3)`, at least one picture.
        patch: float32 `(height, width, 3)`, subtracted from each, or `(views, height,
            width, 3)`, one for each view of a picture.
        offsets: float32 `(batch, 3)` to add at last.
        scale: float32 scalar to multiply by in between.

    Returns:
        float32 of the shape of `images`.
    """
    sides = tf.shape(patch)
    height, width = sides[-3], sides[-2]
    lead = tf.shape(images)[0]
    rows = tf.reshape(tf.cast(images, tf.float32), (lead, -1, height, width * 3))
    rows -= tf.reshape(patch, (-1, height, width * 3))
    rows = rows * scale + tf.tile(offsets, (1, width))[:, None, None, :]
    return tf.ensure_shape(tf.reshape(rows, tf.shape(images)), images.shape)
