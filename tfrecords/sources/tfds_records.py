"""Where things lie in a TFRecord file of `tf.train.Example`; no picture is read.

The bytes: a record is its length (uint64), a checksum, an Example, a checksum
(tensorflow.org/tutorials/load_data/tfrecord); an Example is a map from names to lists
of bytes, floats or integers, in protocol buffers' wire format
(protobuf.dev/programming-guides/encoding).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tfrecords.dataset.compression import compression
from tfrecords.errors import DatasetError

_BUFFER_BYTES = 512  # keys and integers are small, pictures are passed over
_HEADER, _CHECKSUM = 12, 4
_BYTES_LIST, _INT64_LIST = 1, 3  # fields of tf.train.Feature
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5  # wire types
_MOST_KEY_BYTES = 4096


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Some bytes of a file."""

    offset: int
    size: int


class ExampleFile:
    """A TFRecord file whose records are indexed one by one.

    Args:
        path: the file.

    Raises:
        DatasetError: from the methods, where the file ends early or is no such file.
    """

    def __init__(self, path: Path):
        self._path = path
        self._file: BinaryIO = open(path, "rb", buffering=_BUFFER_BYTES)
        self._size = path.stat().st_size

    def __enter__(self) -> "ExampleFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def records(self) -> Iterator[ByteRange]:
        """Yield the place of each record's Example."""
        offset = 0
        while offset < self._size:
            size = int.from_bytes(self.read(ByteRange(offset, _HEADER))[:8], "little")
            record = ByteRange(offset + _HEADER, size)
            offset = record.offset + size + _CHECKSUM
            if offset > self._size:
                raise self._damage(record.offset)
            yield record

    def values(self, record: ByteRange) -> dict[str, ByteRange | int]:
        """Find an Example's single values: the place of bytes, integers themselves.

        Features of floats, or of no or several values, are not among them.
        """
        found: dict[str, ByteRange | int] = {}
        for _, features in self._fields(record, 1):
            for _, entry in self._fields(features, 1):
                parts = {field: place for field, place in self._fields(entry, 1, 2)}
                if 1 in parts and 2 in parts and parts[1].size <= _MOST_KEY_BYTES:
                    values = list(self._values(parts[2]))
                    if len(values) == 1:
                        key = self.read(parts[1]).decode("utf-8", "surrogateescape")
                        found[key] = values[0]
        return found

    def read(self, place: ByteRange) -> bytes:
        """Read some bytes."""
        self._file.seek(place.offset)
        data = self._file.read(place.size)
        if len(data) != place.size:
            raise self._damage(place.offset)
        return data

    def _values(self, feature: ByteRange) -> Iterator[ByteRange | int]:
        for kind, values in self._fields(feature, _BYTES_LIST, _INT64_LIST):
            if kind == _BYTES_LIST:
                yield from (place for _, place in self._fields(values, 1))
            elif values.size:
                yield from self._integers(values)

    def _integers(self, values: ByteRange) -> Iterator[int]:
        end = values.offset + values.size
        tag, offset = self._varint(values.offset, end)
        if tag & 7 == _LENGTH:  # packed
            _, offset = self._varint(offset, end)
        while offset < end:
            number, offset = self._varint(offset, end)
            yield number - (1 << 64) if number >> 63 else number
            if tag & 7 == _VARINT and offset < end:
                _, offset = self._varint(offset, end)  # the next one's tag

    def _fields(
        self, message: ByteRange, *wanted: int
    ) -> Iterator[tuple[int, ByteRange]]:
        offset, end = message.offset, message.offset + message.size
        while offset < end:
            tag, offset = self._varint(offset, end)
            kind, size = tag & 7, 0
            if kind == _LENGTH:
                size, offset = self._varint(offset, end)
            elif kind == _VARINT:
                _, offset = self._varint(offset, end)
            elif kind in (_FIXED64, _FIXED32):
                size = 8 if kind == _FIXED64 else 4
            else:
                raise self._damage(offset)
            if offset + size > end:
                raise self._damage(offset)
            if kind == _LENGTH and tag >> 3 in wanted:
                yield tag >> 3, ByteRange(offset, size)
            offset += size

    def _varint(self, offset: int, end: int) -> tuple[int, int]:
        self._file.seek(offset)
        data = self._file.read(min(10, max(0, end - offset)))
        value = 0
        for place, byte in enumerate(data):
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                return value, offset + place + 1
        raise self._damage(offset)

    def _damage(self, offset: int) -> DatasetError:
        if packed := compression(self._path):
            return DatasetError(f"{self._path} is {packed}.")
        return DatasetError(
            f"{self._path} is damaged or no TFRecord file of Examples, at byte "
            f"{offset:,}. Prepare the dataset again."
        )
