"""Layers as a `.npz`, one array each, with `paths`, `labels` and `facts`."""

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from keras_alexnet.inference.feature_files.npy import read_array, write_array
from keras_alexnet.inference.feature_files.table import FeatureTable


def write(table: FeatureTable, path: Path) -> None:
    """Write a table, not compressed, so that it can be read a part at a time."""
    # Entries made by name alone have the date of 1980, not of now.
    with zipfile.ZipFile(path, "w") as archive:
        for name in table.shapes:
            with archive.open(
                zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True
            ) as file:
                write_array(table, name, file)
        small = {"paths": np.array(table.paths), "facts": np.array(_facts(table))}
        if table.labels is not None:
            small["labels"] = np.array(table.labels, np.int64)
        for name, array in small.items():
            with archive.open(
                zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True
            ) as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def read(path: Path, layer: str, rows: int) -> Iterator[np.ndarray]:
    """Yield the array of a layer, so many rows at a time."""
    with zipfile.ZipFile(path) as archive, archive.open(f"{layer}.npy") as file:
        yield from read_array(file, rows)


def _facts(table: FeatureTable) -> str:
    return json.dumps(table.facts)
