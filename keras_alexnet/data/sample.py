"""A few pictures of a split, chosen by seed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_alexnet.data.evaluation_stream import decoder
from keras_alexnet.data.records import do_not_convert, open_split, parse
from keras_alexnet.data.stored_picture import crop_reader
from tfrecords.ranges import check_count

_DRAWN_FROM = 4  # times as many pictures of a class as are asked for


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


def sample_classes(
    directory: Path | str,
    *,
    split: str,
    classes: Sequence[int],
    count: int,
    seed: int,
) -> dict[int, np.ndarray]:
    """Read some stored pictures of each class, without reading all of a split.

    Shards are drawn by the seed and read until there are enough of every class to draw
    from, or none is left.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        split: Name of the split.
        classes: Labels.
        count: Pictures of each; all of a class if it has fewer.
        seed: Of the draw.

    Returns:
        By label uint8 `(pictures, side, side, 3)`, RGB, as they are stored; from
        originals, as training cuts them. A class may have none.

    Raises:
        DatasetError: The folder is incomplete or has no such split.
    """
    check_count("count", count)
    found = open_split(directory, split, 1)
    generator = np.random.default_rng(seed)
    shards = [found.files[shard] for shard in generator.permutation(len(found.files))]
    enough = count * _DRAWN_FROM
    encoded: dict[int, list[bytes]] = {label: [] for label in classes}
    missing = {*classes}
    pairs = tf.data.TFRecordDataset(shards).map(do_not_convert(parse))
    for picture, label in pairs.as_numpy_iterator():
        if label not in missing:
            continue
        encoded[label].append(picture)
        if len(encoded[label]) == enough:
            missing.remove(label)
        if not missing:
            break
    side, cut = found.manifest.image_size, crop_reader(found.manifest)
    sampled = {}
    for label, pictures in encoded.items():
        chosen = generator.permutation(len(pictures))[:count]
        with tf.device("CPU:0"):  # a GPU decodes otherwise
            decoded = [
                cut(pictures[place], np.zeros(2, np.int32), side) for place in chosen
            ]
        sampled[label] = np.array(decoded, np.uint8).reshape(-1, side, side, 3)
    return sampled
