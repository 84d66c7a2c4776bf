"""One layer as a `.npy`, which `numpy.load(mmap_mode="r")` maps."""

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
