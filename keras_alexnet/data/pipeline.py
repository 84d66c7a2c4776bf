"""TFRecord shards to batches: every batch is a function of (seed, epoch, place)."""

from pathlib import Path

import tensorflow as tf

from keras_alexnet.data import augment, views
from keras_alexnet.data.batch_rows import Share
from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.data.pixel_batch import Crops
from keras_alexnet.data.stored_picture import window_reader
from tfrecords import Manifest
from tfrecords.dataset import example
from tfrecords.errors import DatasetError
from tfrecords.ranges import check_count

# What TensorFlow takes where no global seed is set.
GRAPH_SEED = 87654321
# AutoGraph would take a second or two to rewrite what has nothing to rewrite.
do_not_convert = tf.autograph.experimental.do_not_convert
READERS = 16  # shards read at once, for mixing; not a number of threads


def train_dataset(
    directory: Path | str,
    *,
    batch_size: int = 128,
    input_size: int = 224,
    epochs: int = 1,
    first_epoch: int = 0,
    first_step: int = 0,
    seed: int = 0,
    flip: bool = True,
    colour_noise: augment.ColourNoise | None = "released",
    colour_epochs: int | None = None,
    crop_chunk: int = 1,
    mean: str = "image",
    normalized: bool = True,
    shuffle_buffer: int = 10_000,
    split: str = "train",
    share: Share | None = None,
) -> tf.data.Dataset:
    """Stream shuffled, augmented training batches, epoch after epoch.

    Read again, the dataset goes on: where the first pass has epochs 0 to n - 1, the
    second has n to 2n - 1. So `fit` on one epoch, five times, sees what a single pass
    over five sees.

    The stream is a function of the shards, the arguments and the number of the pass
    alone: starting at `first_epoch` and `first_step` gives what a longer stream gives
    from there, without decoding what lies before. Each epoch holds `records //
    batch_size` batches; which records are left over changes by epoch.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        batch_size: Images in a batch; 128 in the paper, section 5.
        input_size: Side of the random crops in pixels, 224 or 227.
        epochs: Epoch to stop before, counted from 0.
        first_epoch: Epoch to start with.
        first_step: Batches of that epoch, the first of a pass, to leave out.
        seed: Integer in [0, 2^31): order, crops, flips and colours.
        flip: Whether to mirror half of the pictures.
        colour_noise: `released`, `eigenvalue` or None; see `augment.colour_offsets`.
        colour_epochs: Epoch to end the colour noise before; None for never.
        crop_chunk: Neighbours in the stream that share one crop and flip; 1 as the
            paper implies, 32 as it was run.
        mean: `image` subtracts the centre of the mean image, `channel` its mean colour.
        normalized: False leaves that, and the colour, to `Crops.normalized` on the
            device that trains, which then is sent a quarter of the bytes.
        shuffle_buffer: Records to draw the next one from. Shards are in random order
            already; from the size of the split on, the shuffle is perfect.
        split: Name of the split.
        share: The rows of each batch to decode, where several replicas share one; the
            stream then has the batches of the replicas, one after the other, and counts
            as endless: reading past its last epoch is an error. Its passes are all the
            same, because `fit` of a strategy looks into a pass of its own first: read
            all epochs in one.

    Returns:
        Dataset of `(images, labels)`: float32 `(batch, input_size, input_size, 3)`, RGB
        of 0-255 scale with the mean subtracted, and int64 `(batch,)`. Its `len` is the
        number of batches of a pass. Not `normalized`,
        of `(crops, labels)`, the same pictures as `Crops`.

    Raises:
        DatasetError: The folder is incomplete, or has fewer records than one batch, or
            smaller pictures than `input_size`.
        ValueError: The batch does not divide by the replicas.
    """
    check_count("batch_size", batch_size)
    check_count("epochs", epochs)
    check_count("first_epoch", first_epoch, 0)
    check_count("first_step", first_step, 0)
    check_count("seed", seed, 0)
    check_count("colour_epochs", colour_epochs, 0)
    check_count("crop_chunk", crop_chunk)
    check_count("shuffle_buffer", shuffle_buffer)
    shards, manifest = _shards(directory, split, input_size)
    cut = window_reader(manifest)
    statistics = load_statistics(directory)
    steps = manifest.count(split) // batch_size
    if steps == 0:
        raise DatasetError(
            f"Expected at least one batch of {batch_size} in split {split!r} of "
            f"{directory}, found {manifest.count(split)} pictures. Use a smaller batch."
        )

    length = max(0, epochs - first_epoch)
    passes = iter(tf.data.Dataset.counter())

    @do_not_convert
    def one_pass(_) -> tf.data.Dataset:
        number = next(passes) if share is None else tf.constant(0, tf.int64)
        first = first_epoch + number * length
        return tf.data.Dataset.range(first, first + length).map(
            do_not_convert(lambda epoch: (epoch, epoch == first))
        )

    @do_not_convert
    def one_epoch(epoch: tf.Tensor, is_first: tf.Tensor) -> tf.data.Dataset:
        records = _shuffled(shards, seed, epoch, shuffle_buffer).take(
            steps * batch_size
        )
        done = tf.where(is_first, first_step * batch_size, 0)
        places = records.enumerate().skip(tf.cast(done, tf.int64))
        if share is not None:
            places = share.select(places, batch_size)
        return places.map(lambda place, record: (epoch, place, *record))

    def colour(draws):
        # Of one picture at a time: the last bit of a batch depends on its length.
        if colour_noise is None:
            return draws
        return augment.colour_offsets(
            draws, statistics.stddevs, statistics.eigenvectors, form=colour_noise
        )

    @do_not_convert
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
        return image, label, colour(draws[None, 3:])[0], epoch

    @do_not_convert
    def finish(images, labels, offsets, epochs_):
        crops = Crops.plain(images)
        if colour_noise is not None:
            # A batch is of one epoch. Without noise the release does not divide either.
            noisy = epochs_[0] < (
                tf.int64.max if colour_epochs is None else colour_epochs
            )
            scale = tf.where(noisy, 1 / augment.colour_divisor(colour_noise), 1.0)
            crops = Crops(images, tf.where(noisy, offsets * scale, 0.0), scale)
        return crops.normalized(patch) if normalized else crops, labels

    patch = mean_patch(statistics, input_size, mean)
    size = batch_size if share is None else share.replica_batch(batch_size)
    batches = (
        tf.data.Dataset.range(1)
        .flat_map(one_pass)
        .flat_map(one_epoch)
        .map(decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True)
        .batch(size, drop_remainder=True)
        .map(finish, num_parallel_calls=1, deterministic=True)
    )
    count = length * steps - min(first_step, length * steps)
    if share is not None:
        # Or the workers would ask each other before every step who has data left.
        count = tf.data.INFINITE_CARDINALITY
    return batches.apply(tf.data.experimental.assert_cardinality(count)).prefetch(2)


def eval_dataset(
    directory: Path | str,
    *,
    split: str = "validation",
    batch_size: int = 128,
    input_size: int = 224,
    num_views: int = 1,
    mean: str = "image",
    mean_from: Path | str | None = None,
    normalized: bool = True,
    share: Share | None = None,
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
        normalized: As in `train_dataset`.
        share: The rows of each batch to decode, where several replicas share one. All
            replicas then have the same number of full batches, filled up with black
            pictures of weight 0: no replica ever has an empty batch.

    Returns:
        Dataset of `(images, labels)`: float32 `(batch, input_size, input_size, 3)`, or
        `(batch, 10, input_size, input_size, 3)`, and int64 `(batch,)`; with a `share`
        of `(images, labels, weights)`, weights float32 `(batch,)`, 1 or 0. Not
        `normalized`, with `Crops` in place of the images.

    Raises:
        DatasetError: The folder is incomplete or has no such split.
        ValueError: `num_views` is neither 1 nor 10, or the batch does not divide by the
            replicas.
    """
    if num_views not in (1, 10):
        raise ValueError(f"Expected num_views 1 or 10. Received: {num_views}")
    check_count("batch_size", batch_size)
    shards, manifest = _shards(directory, split, input_size)
    patch = mean_patch(load_statistics(mean_from or directory), input_size, mean)
    cut, stored = window_reader(manifest), manifest.image_size
    batches = -(-manifest.count(split) // batch_size)

    @do_not_convert
    def decode(serialized):
        encoded, label = _parse(serialized)
        size = stored if num_views == 10 else input_size
        corner = (stored - size) // 2
        return cut(encoded, tf.constant([corner, corner]), size), label

    @do_not_convert
    def finish(images, labels, *weights):
        if num_views == 10:
            images = views.ten_views(images, input_size)
        crops = Crops.plain(images)
        return crops.normalized(patch) if normalized else crops, labels, *weights

    records = tf.data.TFRecordDataset([name for name, _ in shards])
    if share is not None:
        places = share.select(records.enumerate(), batch_size)
        records = places.map(do_not_convert(lambda place, record: record))
    pictures = records.map(
        decode, num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
    )
    size = batch_size
    if share is not None:
        pictures = share.fill_up(pictures, batch_size, manifest.count(split))
        size = share.replica_batch(batch_size)
        batches *= share.replicas // share.pipelines
    return (
        pictures.batch(size, drop_remainder=share is not None)
        .map(finish, num_parallel_calls=1, deterministic=True)
        .apply(tf.data.experimental.assert_cardinality(batches))
        .prefetch(2)
    )


def _shards(
    directory: Path | str, split: str, input_size: int
) -> tuple[list[tuple[str, int]], Manifest]:
    """Return the shard paths with the place of their first record, and the manifest."""
    check_count("input_size", input_size)
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
        example.ENCODED: tf.io.FixedLenFeature((), tf.string),
        example.LABEL: tf.io.FixedLenFeature((), tf.int64),
    }
    record = tf.io.parse_single_example(serialized, features)
    return record[example.ENCODED], record[example.LABEL]
