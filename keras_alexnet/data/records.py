"""The records of one split, read from its shards."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from tfrecords import Manifest
from tfrecords.addresses import Address, dataset_folder
from tfrecords.dataset import example
from tfrecords.dataset.offsets import Offsets
from tfrecords.errors import DatasetError
from tfrecords.ranges import check_count

# AutoGraph would take a second or two to rewrite what has nothing to rewrite.
do_not_convert = tf.autograph.experimental.do_not_convert


@dataclass(frozen=True)
class StoredSplit:
    """One split of a dataset folder.

    Attributes:
        directory: The folder, or its address.
        manifest: Of it.
        name: Of the split.
        files: Paths of the shards.
        firsts: For each shard, the place in the split of its first record.
        count: Records of all shards.
    """

    directory: Path | Address
    manifest: Manifest
    name: str
    files: tuple[str, ...]
    firsts: tuple[int, ...]
    count: int

    def in_order(self) -> tf.data.Dataset:
        """Return the serialized records, one shard after the other."""
        return tf.data.TFRecordDataset(list(self.files))

    def offsets(self) -> tuple[np.ndarray, np.ndarray]:
        """Return where each record lies in its shard, and its bytes.

        Where the folder does not tell yet, the shards are looked through, and it will.

        Returns:
            int64 and uint32 `(count,)`.

        Raises:
            DatasetError: The file that tells is damaged, or a shard is.
        """
        found = Offsets.find(self.directory, self.manifest)
        return found.offsets[self.name], found.lengths[self.name]

    def names(self) -> list[str]:
        """Return where each picture came from, as the build kept it, in order."""
        key = example.FILENAME
        features = {key: tf.io.FixedLenFeature((), tf.string)}
        batches = self.in_order().batch(256)
        parsed = batches.map(
            do_not_convert(lambda batch: tf.io.parse_example(batch, features)[key])
        )
        return [
            name.decode("utf-8", "surrogateescape")
            for batch in parsed.apply(untuned).as_numpy_iterator()
            for name in batch
        ]


def open_split(
    directory: Path | str | Address,
    split: str,
    input_size: int,
    manifest: Manifest | None = None,
) -> StoredSplit:
    """Find the records of a split.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        split: Name of the split.
        input_size: Side in pixels of what is to be cut out of the pictures.
        manifest: Of the folder, where it was read already; None reads it.

    Raises:
        DatasetError: The folder is incomplete, has no such split, or has smaller
            pictures.
    """
    check_count("input_size", input_size)
    if manifest is None:
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
    folder = dataset_folder(directory)
    files, firsts, count = [], [], 0
    for shard in manifest.splits[split]:
        files.append(str(folder / shard.file))
        firsts.append(count)
        count += shard.records
    return StoredSplit(*(folder, manifest, split), tuple(files), tuple(firsts), count)


def untuned(batches: tf.data.Dataset) -> tf.data.Dataset:
    """Have no thread tune the parallelism of a dataset, which is given.

    TensorFlow 2.21 tells that thread to end before it sets what the thread then looks
    at. Every few times it sleeps on, for up to a minute, and whoever drops the dataset
    waits for it: at the end of a run, or of any garbage collection.
    """
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)


def parse(serialized: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Return the stored bytes (string scalar) and the label (int64) of a record."""
    features = {
        example.ENCODED: tf.io.FixedLenFeature((), tf.string),
        example.LABEL: tf.io.FixedLenFeature((), tf.int64),
    }
    record = tf.io.parse_single_example(serialized, features)
    return record[example.ENCODED], record[example.LABEL]
