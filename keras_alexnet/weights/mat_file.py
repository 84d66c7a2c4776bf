"""MATLAB's files of level 5, read within bounds.

scipy.io.loadmat makes room for what a file says of its cells before it looks for them.
"""

import math
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.weights.foreign import MOST_BYTES
from tfrecords.errors import UserError

SIGNATURE = b"MATLAB 5.0 MAT-file"
HDF5_SIGNATURE = b"MATLAB 7.3 MAT-file"
_HEADER = 128  # bytes
_ORDER = b"IM"  # behind it, of little-endian files
MOST_ELEMENTS = 100_000  # an AlexNet with its 1,000 class names has some 5,000
DEEPEST = 12
_MATRIX, _COMPRESSED = 14, 15
_KINDS = {
    **{1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8"},
    **{12: "<i8", 13: "<u8", 16: "u1", 17: "<u2"},
}
_CELL, _STRUCT, _CHARACTERS, _NUMBERS = 1, 2, 4, range(6, 16)


def read_mat(path: Path) -> dict[str, Any]:
    """Read the variables of a file.

    Returns:
        By name: text as str; numbers as arrays of MATLAB's shape; cells as lists; a
        struct as a dictionary, several of them as a list; None for what is neither.

    Raises:
        UserError: It is damaged, of another level, or larger than weights are.
    """
    data = path.read_bytes()
    if data.startswith(HDF5_SIGNATURE):
        raise UserError(
            f"Expected a .mat file of level 5, {path} is of version 7.3. In MATLAB, "
            "load it and save it with: save('FILE', '-v7')."
        )
    try:
        if not data.startswith(SIGNATURE) or data[126:_HEADER] != _ORDER:
            raise ValueError("its header is of another kind")
        return _Elements().variables(data)
    except (ValueError, zlib.error, RecursionError) as error:
        raise UserError(
            f"Expected a .mat file of level 5, found that {path} is damaged ({error}). "
            "Get it again."
        ) from None


class _Elements:
    """The elements of one file, counted."""

    def __init__(self) -> None:
        self.seen = 0
        self.unpacked = 0

    def variables(self, data: bytes) -> dict[str, Any]:
        found, place = {}, _HEADER
        while place < len(data):
            kind, content, place = self.element(memoryview(data), place)
            if kind == _COMPRESSED:
                kind, content, _ = self.element(memoryview(self.inflated(content)), 0)
            if kind == _MATRIX:
                name, value = self.matrix(content, 0)
                found[name] = value
        return found

    def inflated(self, content: memoryview) -> bytes:
        left = MOST_BYTES - self.unpacked
        inflater = zlib.decompressobj()
        data = inflater.decompress(content, left + 1)
        self.unpacked += len(data)
        if self.unpacked > MOST_BYTES:
            raise ValueError("it unpacks to more than weights need")
        return data

    def element(self, data: memoryview, place: int) -> tuple[int, memoryview, int]:
        """Return kind and content of an element, and where the next begins."""
        self.seen += 1
        if self.seen > MOST_ELEMENTS:
            raise ValueError("more elements than weights need")
        if place + 8 > len(data):
            raise ValueError("it ends too early")
        first = int.from_bytes(data[place : place + 4], "little")
        if first >> 16:  # up to four bytes in the place of the length
            kind, size, begin = first & 0xFFFF, first >> 16, place + 4
            if size > 4:
                raise ValueError("an element is longer than its place")
            return kind, data[begin : begin + size], place + 8
        size = int.from_bytes(data[place + 4 : place + 8], "little")
        begin = place + 8
        if size > len(data) - begin:
            raise ValueError("an element ends after the file")
        padding = 0 if first == _COMPRESSED else -size % 8
        return first, data[begin : begin + size], begin + size + padding

    def matrix(self, data: memoryview, depth: int) -> tuple[str, Any]:
        """Return name and value of a variable, cell or field."""
        if not len(data):
            return "", np.zeros((0, 0))
        if depth > DEEPEST:
            raise ValueError("more levels than weights need")
        _, flags, place = self.element(data, 0)
        _, sides, place = self.element(data, place)
        _, name, place = self.element(data, place)
        if len(flags) < 4 or len(sides) % 4:
            raise ValueError("a variable has no shape")
        shape = tuple(int(side) for side in np.frombuffer(sides, "<i4"))
        if min(shape, default=-1) < 0 or len(shape) > 8:
            raise ValueError("a variable has a shape that is none")
        rest, kind = data[place:], flags[0]
        if kind == _CELL:
            value: Any = self.several(rest, math.prod(shape), depth)
        elif kind == _STRUCT:
            value = self.structs(rest, math.prod(shape), depth)
        elif kind == _CHARACTERS:
            value = self.text(rest)
        elif kind in _NUMBERS:
            value = self.numbers(rest, shape)
        else:
            value = None
        return bytes(name).decode("latin1"), value

    def several(self, data: memoryview, count: int, depth: int) -> list:
        """Return so many matrices."""
        if count > len(data) // 8:
            raise ValueError("it has more cells than bytes")
        values, place = [], 0
        for _ in range(count):
            _, content, place = self.element(data, place)
            values.append(self.matrix(content, depth + 1)[1])
        return values

    def structs(self, data: memoryview, count: int, depth: int) -> Any:
        _, width, place = self.element(data, 0)
        _, names, place = self.element(data, place)
        step = int.from_bytes(width, "little")
        if not step or len(names) % step:
            raise ValueError("a struct has no names")
        starts = range(0, len(names), step)
        fields = [
            bytes(names[i : i + step]).split(b"\0")[0].decode("latin1") for i in starts
        ]
        values = self.several(data[place:], count * len(fields), depth)
        found = [
            dict(zip(fields, values[i * len(fields) :], strict=False))
            for i in range(count if fields else 0)
        ]
        return found[0] if count == 1 and found else found

    def text(self, data: memoryview) -> str:
        kind, content, _ = self.element(data, 0)
        codes = {16: "utf-8", 17: "utf-16-le", 4: "utf-16-le"}
        return bytes(content).decode(codes.get(kind, "latin1"), "replace")

    def numbers(self, data: memoryview, shape: tuple[int, ...]) -> np.ndarray:
        kind, content, _ = self.element(data, 0)
        if kind not in _KINDS or len(content) % np.dtype(_KINDS[kind]).itemsize:
            raise ValueError("a variable has numbers of no known kind")
        numbers = np.frombuffer(content, _KINDS[kind])
        if numbers.size != math.prod(shape):
            raise ValueError("a variable has more or fewer numbers than its shape")
        return numbers.reshape(shape[::-1]).T
