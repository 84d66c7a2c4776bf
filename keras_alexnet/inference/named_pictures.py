"""Pictures with their names, a batch at a time: files, or a split of a dataset."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import tensorflow as tf

from keras_alexnet.data.record_reader import RecordReader
from keras_alexnet.data.records import StoredSplit
from keras_alexnet.data.shard_errors import shards_explained
from keras_alexnet.inference.picture_bytes import Picture
from tfrecords.dataset.example import FORMATS, decode_example
from tfrecords.images.options import RAW


class NamedPicture(NamedTuple):
    """A picture, what it is called, and its label where it has one."""

    name: str
    picture: Picture
    label: int | None = None


class PictureList(Protocol):
    """Pictures in an order that stays.

    Attributes:
        count: How many there are.
        digest: SHA-256 (hex) that changes with the pictures or their order.
        has_labels: Whether each has a label.
    """

    count: int
    digest: str
    has_labels: bool

    def pictures(self, first: int) -> Iterator[NamedPicture]:
        """Yield the pictures from a place on."""
        ...


class FileList:
    """Pictures that are files of their own; see `PictureList`.

    Args:
        paths: Files; one that is not there is a picture that cannot be read.
    """

    has_labels = False

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self.count = len(paths)
        digest = hashlib.sha256()
        for path in paths:
            digest.update(repr((os.fsencode(path), _state(path))).encode())
        self.digest = digest.hexdigest()

    def pictures(self, first: int) -> Iterator[NamedPicture]:
        """Yield the files from a place on, unread."""
        for path in self._paths[first:]:
            yield NamedPicture(str(path), path)


class SplitPictures:
    """The pictures of a split as they are stored, with labels; see `PictureList`.

    Their names are those that the build kept: paths from the root of its source.

    Args:
        split: Of a dataset folder.
    """

    has_labels = True

    def __init__(self, split: StoredSplit) -> None:
        self._split = split
        self.count = split.count
        shards = (s for each in split.manifest.splits.values() for s in each)
        names = {Path(file).name for file in split.files}
        sums = [shard.sha256 for shard in shards if shard.file in names]
        self.digest = hashlib.sha256("".join(sums).encode()).hexdigest()

    def pictures(self, first: int) -> Iterator[NamedPicture]:
        """Yield the pictures from a place on, in the order of the shards."""
        # On the CPU: records are bytes, which no GPU holds.
        with tf.device("CPU:0"), shards_explained(self._split.directory):
            for record in self._split.in_order().skip(first):
                yield _stored(record.numpy())

    def at(self, places: Sequence[int]) -> list[NamedPicture]:
        """Return the pictures at some places of the split, in the order asked for."""
        if not places:
            return []
        with tf.device("CPU:0"):
            records = RecordReader.of(self._split).read(tf.constant(places, tf.int64))
            return [_stored(record) for record in records.numpy()]


def _stored(record: bytes) -> NamedPicture:
    stored = decode_example(record)
    picture: Picture = stored.encoded
    if stored.format == FORMATS[RAW]:
        shape = (stored.height, stored.width, 3)
        picture = np.frombuffer(stored.encoded, np.uint8).reshape(shape)
    return NamedPicture(stored.filename, picture, stored.label)


def _state(path: Path) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except OSError:
        return 0, 0
    return status.st_size, status.st_mtime_ns
