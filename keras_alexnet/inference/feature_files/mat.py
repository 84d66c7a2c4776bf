"""Layers as a MATLAB file of version 5, a variable each, with `paths` and `labels`."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from keras_alexnet.inference.feature_files.table import FeatureTable, raw_path

_HEADER = 116  # bytes of text, in which scipy writes the time of day


def write(table: FeatureTable, path: Path) -> None:
    """Write a table; scipy needs each of its variables whole in memory."""
    variables: dict[str, Any] = {
        name: np.memmap(
            raw_path(table.folder, name), table.dtype, "r", 0, table.array_shape(name)
        )
        for name in table.shapes
    }
    variables["paths"] = np.array(table.utf8_paths(), object)[
        :, None
    ]  # a column of cells
    variables["facts"] = json.dumps(table.facts)
    if table.labels is not None:
        variables["labels"] = np.array(table.labels, np.int64)[:, None]
    scipy.io.savemat(path, variables, appendmat=False, do_compression=True)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 5.0 MAT-file, features of alexnet".ljust(_HEADER))
