"""Shards to the batches that a network is evaluated on."""

from collections.abc import Callable
from pathlib import Path

import tensorflow as tf

from keras_alexnet.data import views
from keras_alexnet.data.batch_rows import BatchRows
from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.data.pixel_batch import PixelBatch, normalized_batches
from keras_alexnet.data.record_reader import TOGETHER, RecordReader
from keras_alexnet.data.records import (
    StoredSplit,
    do_not_convert,
    open_split,
    parse,
    untuned,
)
from keras_alexnet.data.stored_picture import crop_reader
from tfrecords import Manifest
from tfrecords.errors import UserError
from tfrecords.processes import available_cores
from tfrecords.ranges import check_count


def eval_dataset(
    directory: Path | str,
    *,
    mean: str = "image",
    mean_from: Path | str | None = None,
    split: str = "validation",
    batch_size: int = 128,
    input_size: int = 224,
    num_views: int = 1,
) -> tf.data.Dataset:
    """Read every picture of a split exactly once, in the order of the shards.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        mean: As in `train_dataset`. The same patch is subtracted from every view, as
            the 2012 source does.
        mean_from: Folder whose `statistics.npz` gives the mean; None takes `directory`.
            A network needs the mean that it was trained with.
        split: Name of the split.
        batch_size: Pictures in a batch; the last batch has what is left.
        input_size: Side of a view in pixels.
        num_views: 1 for the centre, 10 for corners, centre and mirrors (section 4.1).

    Returns:
        Dataset of `(images, labels)`: float32 `(batch, input_size, input_size, 3)`, or
        `(batch, 10, input_size, input_size, 3)`, and int64 `(batch,)`.

    Raises:
        DatasetError: The folder is incomplete or has no such split.
        UserError: `num_views` is neither 1 nor 10.
    """
    batches = evaluation_batches(
        directory,
        split=split,
        batch_size=batch_size,
        input_size=input_size,
        num_views=num_views,
    )
    patch = mean_patch(load_statistics(mean_from or directory), input_size, mean)
    return normalized_batches(batches, patch).prefetch(2)


def evaluation_batches(
    directory: Path | str,
    *,
    rows: BatchRows | None = None,
    manifest: Manifest | None = None,
    split: str = "validation",
    batch_size: int = 128,
    input_size: int = 224,
    num_views: int = 1,
) -> tf.data.Dataset:
    """Read what `eval_dataset` does as uint8, a quarter of the bytes.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        rows: The rows of each batch to read, where several replicas share one. All
            replicas then have the same number of full batches, filled up with black
            pictures of weight 0: no replica ever has an empty batch.
        manifest: Of the directory, where it was read already; None reads it.
        split: As for `eval_dataset`, like all that follow.
        batch_size: Of all replicas together.
        input_size: Side of a view in pixels.
        num_views: 1 or 10.

    Returns:
        Dataset of `(PixelBatch, labels)`, labels int64 `(batch,)`; of replicas' batches
        `(PixelBatch, labels, weights)`, weights float32 `(batch,)`, 1 or 0.

    Raises:
        DatasetError: As `eval_dataset`.
        UserError: As `eval_dataset`, or the batch does not divide by the replicas.
    """
    if num_views not in (1, 10):
        raise UserError(f"Expected num_views 1 or 10. Received: {num_views}")
    check_count("batch_size", batch_size)
    found = open_split(directory, split, input_size, manifest)
    count, size = -(-found.count // batch_size), batch_size
    if rows is not None:
        size = rows.replica_batch(batch_size)
        count *= rows.replicas // rows.pipelines

    @do_not_convert
    def finish(images, labels, *weights):
        if num_views == 10:
            images = views.ten_views(images, input_size)
        return PixelBatch.without_noise(images), labels, *weights

    side = found.manifest.image_size if num_views == 10 else input_size
    return (
        _pictures(found, side, batch_size, rows)
        .batch(size, drop_remainder=rows is not None)
        .map(finish, num_parallel_calls=1, deterministic=True)
        .apply(tf.data.experimental.assert_cardinality(count))
        .prefetch(2)
        .apply(untuned)
    )


def _pictures(
    split: StoredSplit, side: int, batch_size: int, rows: BatchRows | None
) -> tf.data.Dataset:
    """Return `(central square, label)` of every record; with rows, `(..., weight)`."""
    records = split.in_order()
    if rows is not None:
        own = rows.places(0, split.count, batch_size)
        own = tf.data.Dataset.from_tensor_slices(own).batch(TOGETHER)
        records = own.flat_map(do_not_convert(RecordReader.of(split).in_turn))
    pictures = records.map(
        decoder(split.manifest, side),
        num_parallel_calls=available_cores(),
        deterministic=True,
    )
    return pictures if rows is None else rows.fill_up(pictures, batch_size, split.count)


def decoder(manifest: Manifest, side: int) -> Callable:
    """Return what makes `(central square, label)` of a record."""
    cut = crop_reader(manifest)
    corner = (manifest.image_size - side) // 2

    @do_not_convert
    def decode(serialized):
        encoded, label = parse(serialized)
        return cut(encoded, tf.constant([corner, corner]), side), label

    return decode
