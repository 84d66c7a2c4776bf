"""Protobuf messages, measured before anything is made of them."""

import mmap
from collections.abc import Iterator

# Fields of networks and layers, all told: AlexNet has some 300. Each of two bytes would
# become an object of a hundred.
MOST_FIELDS = 100_000
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # protobuf's wire types


class WireFields:
    """The fields of protobuf messages, counted before anything is made of them.

    Args:
        content: The whole file.
    """

    def __init__(self, content: mmap.mmap) -> None:
        self.content = content
        self.seen = 0

    def of(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        """Yield number, begin and end of each field of bytes in a message.

        Raises:
            ValueError: The bytes are no message, or have too many fields.
        """
        place = start
        while place < end:
            self.seen += 1
            if self.seen > MOST_FIELDS:
                raise ValueError(f"more than {MOST_FIELDS:,} fields")
            key, place = self._varint(place, end)
            number, kind = key >> 3, key & 7
            length = {_FIXED64: 8, _FIXED32: 4}.get(kind, 0)
            if kind == _VARINT:
                _, place = self._varint(place, end)
            elif kind == _BYTES:
                length, place = self._varint(place, end)
            elif not length:
                raise ValueError(f"a field of unknown kind {kind}")
            if length > end - place:
                raise ValueError(f"a field of {length:,} bytes ends after the file")
            if kind == _BYTES:
                yield number, place, place + length
            place += length

    def count(self, start: int, end: int, inner: int | None = None) -> None:
        """Count the fields of a layer, and of a message in it."""
        for number, begins, ends in self.of(start, end):
            if number == inner:
                self.count(begins, ends)

    def _varint(self, place: int, end: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            if place >= end:
                raise ValueError("it ends in the middle of a field")
            byte = self.content[place]
            value |= (byte & 0x7F) << shift
            place += 1
            if byte < 0x80:
                return value, place
        raise ValueError("a number of more than ten bytes")
