"""The features of many pictures as they lie on the disk, read a block at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

BLOCK_BYTES = 2**25  # of rows that are read at once


@dataclass(frozen=True)
class FeatureTable:
    """One row a picture, one array a layer.

    Attributes:
        facts: What is known of them beside the rows, for JSON.
        shapes: Name of a layer -> shape of one picture's features.
        dtype: float32 or float16.
        folder: Where the rows lie, `NAME.raw` for each layer.
        paths: Of the pictures, in the order of the rows.
        labels: Of the pictures; None where they have none.
        left_out: Path of each picture that has no row, and why.
    """

    facts: dict[str, Any]
    shapes: dict[str, tuple[int, ...]]
    dtype: str
    folder: Path
    paths: list[str]
    labels: list[int] | None
    left_out: list[tuple[str, str]]

    def array_shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of a layer's array of all rows."""
        return (len(self.paths), *self.shapes[name])

    def utf8_paths(self, rows: slice = slice(None)) -> list[str]:
        """Return paths for a file that holds UTF-8 alone, other bytes as escapes."""
        encoded = (path.encode("utf-8", "surrogateescape") for path in self.paths[rows])
        return [path.decode("utf-8", "backslashreplace") for path in encoded]

    def blocks(
        self, names: Sequence[str] | None = None
    ) -> Iterator[tuple[slice, dict[str, np.ndarray]]]:
        """Yield the rows in order: which, and an array a layer.

        Args:
            names: Of layers; None: all.
        """
        names = list(names or self.shapes)
        sizes = {name: math.prod(self.shapes[name]) for name in names}
        item = np.dtype(self.dtype).itemsize
        rows = max(1, BLOCK_BYTES // (item * sum(sizes.values())))
        for start in range(0, len(self.paths), rows):
            stop = min(start + rows, len(self.paths))
            yield slice(start, stop), {n: self._read(n, start, stop) for n in names}

    def _read(self, name: str, start: int, stop: int) -> np.ndarray:
        shape = (stop - start, *self.shapes[name])
        size = math.prod(self.shapes[name])
        first = start * size * np.dtype(self.dtype).itemsize
        path = raw_path(self.folder, name)
        flat = np.fromfile(path, self.dtype, math.prod(shape), offset=first)
        return flat.reshape(shape)


def raw_path(folder: Path, name: str) -> Path:
    """Return where the rows of a layer lie: row after row, no header."""
    return folder / f"{name}.raw"
