"""TFRecord shards to batches: every batch is a function of (seed, epoch, place)."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_alexnet.data import augment, views
from keras_alexnet.data.window import window_reader
from tfrecords import Manifest, Statistics, schema
from tfrecords.errors import DatasetError
from tfrecords.statistics import STATISTICS_FILE

# What TensorFlow takes where no global seed is set.
GRAPH_SEED = 87654321
READERS = 16  # shards read at once, for mixing; not a number of threads


def train_dataset(
    directory: Path | str,
    *,
    batch_size: int = 128,
    input_size: int = 224,
    epochs: int = 1,
    first_epoch: int = 0,
    seed: int = 0,
    flip: bool = True,
    colour_noise: augment.ColourNoise | None = "released",
    crop_chunk: int = 1,
    mean: str = "image",
    shuffle_buffer: int = 10_000,
    split: str = "train",
) -> tf.data.Dataset:
    """Stream shuffled, augmented training batches, epoch after epoch.

    The stream is a function of the shards and the arguments alone: starting at
    `first_epoch` gives what a longer stream gives from there. Each epoch holds
    `records // batch_size` batches; which records are left over changes by epoch.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        batch_size: Images in a batch; 128 in the paper, section 5.
        input_size: Side of the random crops in pixels, 224 or 227.
        epochs: Epoch to stop before, counted from 0.
        first_epoch: Epoch to start with.
        seed: Integer in [0, 2^31): order, crops, flips and colours.
        flip: Whether to mirror half of the pictures.
        colour_noise: `released`, `eigenvalue` or None; see `augment.colour_offsets`.
        crop_chunk: Neighbours in the stream that share one crop and flip; 1 as the
            paper implies, 32 as it was run.
        mean: `image` subtracts the centre of the mean image, `channel` its mean colour.
        shuffle_buffer: Records to draw the next one from. Shards are in random order
            already; from the size of the split on, the shuffle is perfect.
        split: Name of the split.

    Returns:
        Dataset of `(images, labels)`: float32 `(batch, input_size, input_size, 3)`, RGB
        of 0-255 scale with the mean subtracted, and int64 `(batch,)`.

    Raises:
        DatasetError: The folder is incomplete, or has fewer records than one batch, or
            smaller pictures than `input_size`.
    """
    shards, manifest = _shards(directory, split, input_size)
    cut = window_reader(manifest)
    statistics = load_statistics(directory)
    steps = manifest.count(split) // batch_size
    if steps == 0:
        raise DatasetError(
            f"Expected at least one batch of {batch_size} in split {split!r} of "
            f"{directory}, found {manifest.count(split)} pictures. Use a smaller batch."
        )

    def one_epoch(epoch: tf.Tensor) -> tf.data.Dataset:
        records = _shuffled(shards, seed, epoch, shuffle_buffer).take(
            steps * batch_size
        )
        return records.enumerate().map(lambda place, record: (epoch, place, *record))

    def decode(epoch, place, example, serialized):
        encoded, label = _parse(serialized)
        draws = augment.example_draws(seed, epoch, example)
        crop = draws
        if crop_chunk > 1:
            crop = augment.example_draws(seed, epoch, -1 - place // crop_chunk)
        window = augment.crop_offset(crop[:2], manifest.image_size, input_size)
        image = cut(encoded, window, input_size)
        if flip:
            # Not a slice of step -1: that is three times slower than all the rest.
            image = tf.cond(
                crop[2] < 0.5, lambda: tf.reverse(image, [1]), lambda: image
            )
        return image, label, draws[3:]

    def finish(images, labels, draws):
        offsets = None
        if colour_noise is not None:
            offsets = augment.colour_offsets(
                draws, statistics.stddevs, statistics.eigenvectors, form=colour_noise
            )
        divisor = augment.colour_divisor(colour_noise)
        return _normalize(images, patch, offsets, divisor), labels

    patch = mean_patch(statistics, input_size, mean)
    return (
        tf.data.Dataset.range(first_epoch, epochs)
        .flat_map(one_epoch)
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size, drop_remainder=True)
        .map(finish, num_parallel_calls=1, deterministic=True)
        .prefetch(2)
    )


def eval_dataset(
    directory: Path | str,
    *,
    split: str = "validation",
    batch_size: int = 128,
    input_size: int = 224,
    num_views: int = 1,
    mean: str = "image",
    mean_from: Path | str | None = None,
) -> tf.data.Dataset:
    """Read every picture of a split exactly once, in the order of the shards.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        split: Name of the split.
        batch_size: Pictures in a batch; the last batch has what is left.
        input_size: Side of a view in pixels.
        num_views: 1 for the centre, 10 for corners, centre and mirrors (section 4.1).
        mean: As in `train_dataset`. The same patch is subtracted from every view, as
            the 2012 source does.
        mean_from: Folder whose `statistics.npz` gives the mean; None takes `directory`.
            A network needs the mean that it was trained with.

    Returns:
        Dataset of `(images, labels)`: float32 `(batch, input_size, input_size, 3)`, or
        `(batch, 10, input_size, input_size, 3)`, and int64 `(batch,)`.

    Raises:
        DatasetError: The folder is incomplete or has no such split.
        ValueError: `num_views` is neither 1 nor 10.
    """
    if num_views not in (1, 10):
        raise ValueError(f"Expected num_views 1 or 10. Received: {num_views}")
    shards, manifest = _shards(directory, split, input_size)
    patch = mean_patch(load_statistics(mean_from or directory), input_size, mean)
    cut, stored = window_reader(manifest), manifest.image_size
    batches = -(-manifest.count(split) // batch_size)

    def decode(serialized):
        encoded, label = _parse(serialized)
        size = stored if num_views == 10 else input_size
        corner = (stored - size) // 2
        return cut(encoded, tf.constant([corner, corner]), size), label

    def finish(images, labels):
        if num_views == 10:
            images = views.ten_views(images, input_size)
        return _normalize(images, patch), labels

    return (
        tf.data.TFRecordDataset([name for name, _ in shards])
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(batch_size)
        .map(finish, num_parallel_calls=1, deterministic=True)
        .apply(tf.data.experimental.assert_cardinality(batches))
        .prefetch(2)
    )


def load_statistics(directory: Path | str) -> Statistics:
    """Read the statistics beside the shards."""
    return Statistics.load(Path(directory) / STATISTICS_FILE)


def mean_patch(statistics: Statistics, size: int, mean: str = "image") -> np.ndarray:
    """Return what is subtracted from every view: float32 `(size, size, 3)`.

    The release crops the mean image to its centre once, wherever the view was cut.
    """
    if mean == "image":
        return views.centre_view(tf.constant(statistics.mean_image), size).numpy()
    if mean == "channel":
        channels = statistics.channel_means.astype("float32")
        return np.broadcast_to(channels, (size, size, 3)).copy()
    raise ValueError(f"Expected mean 'image' or 'channel'. Received: {mean!r}")


def _shards(
    directory: Path | str, split: str, input_size: int
) -> tuple[list[tuple[str, int]], Manifest]:
    """Return the shard paths with the place of their first record, and the manifest."""
    manifest = Manifest.load(directory)
    if not manifest.count(split):
        raise DatasetError(
            f"Expected a split {split!r} in {directory}, found "
            f"{', '.join(manifest.splits)}."
        )
    if manifest.image_size < input_size:
        raise DatasetError(
            f"Expected pictures of at least {input_size} pixels in {directory}, found "
            f"{manifest.image_size}. Use a smaller input size or build with a larger "
            "one."
        )
    shards, first = [], 0
    for shard in manifest.splits[split]:
        shards.append((str(Path(directory) / shard.file), first))
        first += shard.records
    return shards, manifest


def _shuffled(
    shards: list[tuple[str, int]], seed: int, epoch: tf.Tensor, shuffle_buffer: int
) -> tf.data.Dataset:
    """Return `(place in the dataset, record)` in this epoch's order.

    To be called in a function that is traced: it fixes the seed of its graph, which
    `shuffle` would otherwise take from `tf.random.set_seed` beside its own.
    """
    tf.compat.v1.set_random_seed(GRAPH_SEED)
    names, firsts = (tf.constant(column) for column in zip(*shards, strict=True))
    key = tf.stack([tf.constant(seed, tf.int64), epoch])
    order = tf.random.experimental.stateless_shuffle(tf.range(len(shards)), key)
    return (
        tf.data.Dataset.from_tensor_slices(
            (tf.gather(names, order), tf.gather(tf.cast(firsts, tf.int64), order))
        )
        .interleave(
            lambda name, first: tf.data.TFRecordDataset(name).enumerate(first),
            cycle_length=min(READERS, len(shards)),
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
        .shuffle(
            shuffle_buffer,
            seed=tf.constant(seed << 32, tf.int64) + epoch,
            reshuffle_each_iteration=False,
        )
    )


def _parse(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    features = {
        schema.ENCODED: tf.io.FixedLenFeature((), tf.string),
        schema.LABEL: tf.io.FixedLenFeature((), tf.int64),
    }
    record = tf.io.parse_single_example(serialized, features)
    return record[schema.ENCODED], record[schema.LABEL]


@tf.function(jit_compile=True)
def _normalize(
    images: tf.Tensor,
    patch: np.ndarray,
    offsets: tf.Tensor | None = None,
    divisor: float = 1.0,
) -> tf.Tensor:
    """Subtract the mean and add a colour to each image, then divide.

    Compiled, this is one pass over the pixels. Op by op it is four, of 77 MB a batch,
    and most of the work where pictures are stored raw. Rows are flattened to
    `width * 3`: an innermost dimension of 3 is slow to broadcast.
    """
    size = patch.shape[0]
    rows = tf.reshape(tf.cast(images, tf.float32), (-1, size, size * 3))
    rows = (rows - tf.reshape(patch, (size, size * 3))) / divisor
    if offsets is not None:
        rows += tf.tile(offsets / divisor, (1, size))[:, None, :]
    return tf.ensure_shape(tf.reshape(rows, tf.shape(images)), images.shape)
