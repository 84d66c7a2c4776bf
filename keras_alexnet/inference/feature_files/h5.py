"""Layers as an HDF5 file, a dataset each, with `paths` and `labels`."""

import json
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from keras_alexnet.inference.feature_files.table import FeatureTable


def write(table: FeatureTable, path: Path) -> None:
    """Write a table in chunks of one picture; the facts are the attribute `facts`."""
    with h5py.File(path, "w", track_order=False) as file:
        file.attrs["facts"] = json.dumps(table.facts)
        for name, shape in table.shapes.items():
            layer = file.create_dataset(
                name,
                table.array_shape(name),
                table.dtype,
                chunks=(1, *shape),
                track_times=False,
            )
            for rows, arrays in table.blocks([name]):
                layer[rows] = arrays[name]
        # A file's name may hold any bytes; they are written as they are.
        names = [path.encode("utf-8", "surrogateescape") for path in table.paths]
        text = h5py.string_dtype()
        file.create_dataset("paths", data=names, dtype=text, track_times=False)
        if table.labels is not None:
            labels = np.array(table.labels, np.int64)
            file.create_dataset("labels", data=labels, track_times=False)


def read(path: Path, layer: str, rows: int) -> Iterator[np.ndarray]:
    """Yield the dataset of a layer, so many rows at a time."""
    with h5py.File(path) as file:
        array = file[layer]
        for start in range(0, len(array), rows):
            yield array[start : start + rows]
