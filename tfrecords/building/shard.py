"""One shard: pictures read, converted, written beside, renamed."""

import errno
import hashlib
import os
import uuid
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tfrecords.building.contents import Reading, sum_up
from tfrecords.building.lock import shard_lock
from tfrecords.building.plan import PlannedShard
from tfrecords.building.shard_result import Rejection, ShardResult, save_result
from tfrecords.dataset.example import FORMATS, PictureRecord, encode_example
from tfrecords.dataset.labels import synset
from tfrecords.dataset.manifest import Shard
from tfrecords.dataset.names import BUILDING_FOLDER
from tfrecords.dataset.offsets import FRAMING
from tfrecords.dataset.statistics import Accumulator
from tfrecords.files import disk_error, staged
from tfrecords.images import store
from tfrecords.images.decode import Rejected
from tfrecords.images.options import ImageOptions
from tfrecords.processes import take_start, tick
from tfrecords.stopwatch import phase, stopwatch

if TYPE_CHECKING:
    import tensorflow as tf


@dataclass(frozen=True)
class ShardTask:
    """All that a process needs to write one shard.

    Attributes:
        directory: the dataset folder.
        token: of the build, from `tfrecords.building.lock.build_lock`.
        fingerprint: of the plan.
        planned: the pictures and their order.
        labels: class names in label order.
        words: human names in label order, empty strings where none is known.
        options: what the pictures become.
        timings: whether to measure phases.
    """

    directory: str
    token: str
    fingerprint: str
    planned: PlannedShard
    labels: tuple[str, ...]
    words: tuple[str, ...]
    options: ImageOptions
    timings: bool = False


def write_shard(task: ShardTask) -> str:
    """Write one shard and then, beside it, its result.

    The shard appears under its name only when it is whole and on disk, the result
    only after that: whatever has a result need not be written again.

    Returns:
        The shard's file name; `building.shard_result.load_result` has the rest.

    Raises:
        DatasetError: the disk is full or cannot be written to, or the build has ended.
    """
    out = Path(task.directory)
    path = out / task.planned.file
    try:
        with shard_lock(out, task.token):
            with stopwatch(task.timings) as watch:
                result = _write(task, path)
            if task.timings:
                watch.end()
                start = take_start()
                seconds = {"start": start, **watch.phases} if start else watch.phases
                result = replace(result, seconds=seconds)
            save_result(out, task.fingerprint, result)
    except OSError as error:
        raise disk_error(error, path) from None
    return path.name


def _write(task: ShardTask, path: Path) -> ShardResult:
    rejections: list[Rejection] = []
    reading = Reading()
    counts = np.zeros(len(task.labels), np.int64)
    lengths = array("I")
    train = task.planned.split == "train"
    accumulator = Accumulator(task.options.size) if train else None
    # The name is new each time: on a cluster two workers may be given one task.
    beside = path.parent / BUILDING_FOLDER / f"{path.name}.{uuid.uuid4().hex}.tmp"
    with staged(path, beside) as temporary:
        with open_writer(temporary) as writer:
            for record in _records(task, reading, rejections):
                with phase("write"):
                    example = encode_example(record)
                    writer.write(example)
                lengths.append(len(example) + FRAMING)
                counts[record.label] += 1
                if accumulator:
                    with phase("statistics"):
                        accumulator.add(store.square(record.encoded, task.options))
        with phase("hash"):
            shard = describe(temporary, path.name, int(counts.sum()))
    return ShardResult(
        split=task.planned.split,
        shard=shard,
        class_counts=counts,
        rejections=rejections,
        accumulator=accumulator,
        contents=sum_up(reading.parts),
        lengths=np.array(lengths, np.uint32),
    )


@contextmanager
def open_writer(path: Path) -> Iterator["tf.io.TFRecordWriter"]:
    """Open a TFRecord file for writing.

    Raises:
        OSError: on entry, in the block or on leaving it: what TensorFlow reports by
            errors of its own, which cannot be sent from a process.
    """
    import tensorflow as tf

    try:
        with tf.io.TFRecordWriter(os.fspath(path)) as writer:
            yield writer
    except tf.errors.ResourceExhaustedError:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None
    except tf.errors.OpError as error:
        raise OSError(errno.EIO, error.message) from None


def _records(
    task: ShardTask, reading: Reading, rejections: list[Rejection]
) -> Iterator[PictureRecord]:
    for sample in task.planned.samples:
        name = task.labels[sample.label]
        try:
            with phase("read"):
                data = reading.read(sample)
            encoded = store.convert(data, task.options)
        except Rejected as error:
            split = task.planned.split
            details = (error.reason, error.detail)
            rejections.append(Rejection(sample.key, split, name, *details))
        else:
            height, width = store.stored_size(encoded, task.options)
            yield PictureRecord(
                encoded=encoded,
                height=height,
                width=width,
                label=sample.label,
                synset=synset(name),
                text=task.words[sample.label] or name,
                filename=sample.key,
                format=FORMATS[task.options.encoding],
            )
        tick()


def describe(path: Path, name: str, records: int) -> Shard:
    """Measure a written shard: bytes and SHA-256."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Shard(name, records, path.stat().st_size, digest)
