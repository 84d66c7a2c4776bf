"""One shard: pictures read, converted, written beside, renamed."""

import errno
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tfrecords import images
from tfrecords.files import disk_error, staged
from tfrecords.images import ImageOptions, Rejected
from tfrecords.labels import synset
from tfrecords.manifest import Shard
from tfrecords.plan import PlannedShard
from tfrecords.pool import tick
from tfrecords.schema import Record, encode_example
from tfrecords.sources import Sample
from tfrecords.statistics import Accumulator

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class ShardTask:
    """All that a worker needs to write one shard."""

    directory: str
    planned: PlannedShard
    labels: tuple[str, ...]
    options: ImageOptions


@dataclass(frozen=True)
class Rejection:
    """A line of `rejected.jsonl`."""

    file: str
    split: str
    class_name: str
    reason: str
    detail: str

    def to_json(self) -> dict[str, str]:
        """Name the fields as the file does."""
        fields = asdict(self)
        return {("class" if k == "class_name" else k): v for k, v in fields.items()}


@dataclass
class ShardResult:
    """What came of a task.

    Attributes:
        split: the shard's split.
        shard: the file.
        class_counts: records by label.
        rejections: pictures that were left out.
        accumulator: pixel sums of the stored pictures; training shards only.
    """

    split: str
    shard: Shard
    class_counts: list[int]
    rejections: list[Rejection]
    accumulator: Accumulator | None


def write_shard(task: ShardTask) -> ShardResult:
    """Write one shard; it appears under its name only when it is whole.

    Raises:
        DatasetError: the disk is full or cannot be written to.
    """
    rejections: list[Rejection] = []
    counts = [0] * len(task.labels)
    train = task.planned.split == "train"
    accumulator = Accumulator(task.options.size) if train else None
    path = Path(task.directory) / task.planned.file
    try:
        with staged(path) as temporary:
            with open_writer(temporary) as writer:
                for record in _records(task, rejections):
                    writer.write(encode_example(record))
                    counts[record.label] += 1
                    if accumulator:
                        accumulator.add(images.decode(record.encoded))
            shard = describe(temporary, path.name, sum(counts))
    except OSError as error:
        raise disk_error(error, path) from None
    return ShardResult(task.planned.split, shard, counts, rejections, accumulator)


@contextmanager
def open_writer(path: Path) -> Iterator["tf.io.TFRecordWriter"]:
    """Open a TFRecord file for writing.

    Raises:
        OSError: on entry, in the block or on leaving it: what TensorFlow reports by
            errors of its own, which cannot be sent from a worker.
    """
    import tensorflow as tf

    try:
        with tf.io.TFRecordWriter(os.fspath(path)) as writer:
            yield writer
    except tf.errors.ResourceExhaustedError:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, error.message) from None


def _records(task: ShardTask, rejections: list[Rejection]) -> Iterator[Record]:
    size = task.options.size
    for sample in task.planned.samples:
        name = task.labels[sample.label]
        try:
            encoded = images.convert(_read(sample), task.options)
        except Rejected as error:
            split = task.planned.split
            details = (error.reason, error.detail)
            rejections.append(Rejection(sample.key, split, name, *details))
        else:
            yield Record(
                encoded=encoded,
                height=size,
                width=size,
                label=sample.label,
                synset=synset(name),
                text=name,
                filename=sample.key,
            )
        tick()


def _read(sample: Sample) -> bytes:
    if sample.size > images.MAX_BYTES:
        raise images.too_many_bytes(sample.size)
    try:
        return sample.origin.read()
    except OSError as error:
        raise Rejected("unreadable", error.strerror or str(error)) from None


def describe(path: Path, name: str, records: int) -> Shard:
    """Measure a written shard: bytes and SHA-256."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Shard(name, records, path.stat().st_size, digest)
