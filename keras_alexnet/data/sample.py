"""A few pictures of a split, chosen by seed."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_alexnet.data.evaluation_stream import decoder
from keras_alexnet.data.records import open_split
from tfrecords.ranges import check_count


def sample_views(
    directory: Path | str,
    *,
    split: str,
    count: int,
    seed: int,
    input_size: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Read the central view of some pictures of a split, without reading all of it.

    Shards are drawn by the seed and read from their beginning: the build has put the
    pictures of each split in random order.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        split: Name of the split.
        count: Pictures; all of the split if it has fewer.
        seed: Of the draw.
        input_size: Side of the view in pixels.

    Returns:
        uint8 `(count, input_size, input_size, 3)`, RGB, and labels int64 `(count,)`.

    Raises:
        DatasetError: The folder is incomplete, has no such split or smaller pictures.
    """
    check_count("count", count)
    found = open_split(directory, split, input_size)
    order = np.random.default_rng(seed).permutation(len(found.files))
    files = [found.files[shard] for shard in order]
    decode = decoder(found.manifest, input_size)
    records = tf.data.TFRecordDataset(files).take(count).as_numpy_iterator()
    pairs = [decode(record) for record in records]
    images = np.stack([image.numpy() for image, _ in pairs])
    return images, np.array([label for _, label in pairs], np.int64)
