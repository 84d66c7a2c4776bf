"""One labelled picture of a source, before anything is read."""

import os
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tfrecords.errors import DatasetError


class Origin(Protocol):
    """Where a picture's bytes are; small, and picklable for the build's processes."""

    def read(self) -> bytes:
        """Read the picture's bytes; raises OSError where that fails."""
        ...

    def state(self) -> tuple[int, ...]:
        """Give numbers that change whenever the bytes do, without reading them."""
        ...


@dataclass(frozen=True, slots=True)
class FileOrigin:
    """A file of its own; the folder is apart, so that many share one string."""

    folder: str
    name: str

    def read(self) -> bytes:
        """Read the file."""
        return Path(self.folder, self.name).read_bytes()

    def state(self) -> tuple[int, ...]:
        """Give the file's."""
        return _file_state(os.path.join(self.folder, self.name))


@dataclass(frozen=True, slots=True)
class RangeOrigin:
    """A stretch of a larger file, such as a tar: offset and size in bytes."""

    path: str
    offset: int
    size: int

    def read(self) -> bytes:
        """Read the stretch."""
        with open(self.path, "rb", buffering=0) as file:
            data = os.pread(file.fileno(), self.size, self.offset)
        if len(data) != self.size:
            place = f"{self.path} ends before byte {self.offset + self.size:,}"
            raise OSError(f"{place}: it has changed since it was listed")
        return data

    def state(self) -> tuple[int, ...]:
        """Give the whole file's."""
        return _file_state(self.path)


@dataclass(frozen=True, slots=True)
class BytesOrigin:
    """Bytes at hand, for sources of a few small pictures."""

    data: bytes

    def read(self) -> bytes:
        """Return the bytes."""
        return self.data

    def state(self) -> tuple[int, ...]:
        """Give a checksum: the bytes are at hand."""
        return (zlib.crc32(self.data),)


def _file_state(path: str) -> tuple[int, ...]:
    # st_ctime too: the time that programs set (touch, rsync) may be that of before.
    try:
        status = os.stat(path)
    except OSError:
        return ()
    return status.st_ctime_ns, status.st_mtime_ns, status.st_size


@dataclass(frozen=True, slots=True)
class Sample:
    """A picture and its class.

    Attributes:
        key: unique within the source; gives the order, and is the file name stored.
        label: 0-based place in the source's class order.
        split: `train`, `validation` or `test`; None leaves it to the plan.
        size: length in bytes.
        origin: where the bytes are.
    """

    key: str
    label: int
    split: str | None
    size: int
    origin: Origin


@dataclass(frozen=True, slots=True, order=True)
class Ignored:
    """A path that is not taken for a picture, and why."""

    file: str
    reason: str


@dataclass(frozen=True)
class Source:
    """Everything that there is to build from.

    Attributes:
        kind: one of `tfrecords.sources.KINDS`.
        name: a dataset name that suits it.
        location: the folder or file, or the name of a built-in source.
        labels: class names in label order.
        samples: in order of key.
        ignored: paths that are not taken for pictures, such as `Thumbs.db`.
        validation_fraction: what the plan moves from training to validation unless
            the caller says otherwise.
        test_fraction: the same for test.
        words: human names in label order, empty strings where none is known.
        label_order: how the labels came to be numbered: `sorted_wnid`,
            `sorted_name` or `numbers`, or what was converted to one of these.
        notes: sentences for the user, such as how much of ILSVRC is not there.
    """

    kind: str
    name: str
    location: str
    labels: tuple[str, ...]
    samples: tuple[Sample, ...]
    ignored: tuple[Ignored, ...] = ()
    validation_fraction: float = 0.0
    test_fraction: float = 0.0
    words: tuple[str, ...] = ()
    label_order: str = "sorted_name"
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Fill in empty words, so that every label has its place among them."""
        if not self.words:
            object.__setattr__(self, "words", ("",) * len(self.labels))


def in_order(samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Sort samples by key.

    Raises:
        DatasetError: two have the same key.
    """
    ordered = tuple(sorted(samples, key=lambda sample: sample.key))
    for before, after in zip(ordered, ordered[1:], strict=False):
        if before.key == after.key:
            raise DatasetError(
                f"Expected each picture once, found {after.key} twice. Remove one."
            )
    return ordered
