"""One layer as a `.npy`, which `numpy.load(mmap_mode="r")` maps."""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

from keras_alexnet.inference.feature_files.table import FeatureTable


def write(table: FeatureTable, path: Path) -> None:
    """Write the only layer of a table; paths and labels stand beside it, in JSON."""
    (name,) = table.shapes
    with open(path, "wb") as file:
        write_array(table, name, file)


def write_array(table: FeatureTable, name: str, file: IO[bytes]) -> None:
    """Write the array of a layer in the form of `.npy`."""
    header = {
        "descr": np.lib.format.dtype_to_descr(np.dtype(table.dtype)),
        "fortran_order": False,
        "shape": table.array_shape(name),
    }
    np.lib.format.write_array_header_1_0(file, header)
    for _, arrays in table.blocks([name]):
        file.write(arrays[name].data)


def read(path: Path, layer: str, rows: int) -> Iterator[np.ndarray]:
    """Yield the only array, so many rows at a time; whatever the layer is called."""
    with open(path, "rb") as file:
        yield from read_array(file, rows)


def read_array(file: IO[bytes], rows: int) -> Iterator[np.ndarray]:
    """Yield an array in the form of `.npy` that `write_array` wrote, so many rows."""
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    row = int(np.prod(shape[1:])) * dtype.itemsize
    for start in range(0, shape[0], rows):
        count = min(rows, shape[0] - start)
        block = np.frombuffer(file.read(count * row), dtype)
        yield block.reshape(count, *shape[1:])
