"""A file of features that is searched, a block of rows at a time."""

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from keras_alexnet.inference.feature_files.table import BLOCK_BYTES
from keras_alexnet.registry import Registry
from tfrecords.errors import UserError

# By the ending of the file: `read(path, layer, rows)` yields the array of a layer, so
# many rows at a time.
INDEX_FILES: Registry[Callable[[Path, str, int], Iterator[np.ndarray]]] = Registry(
    "ending of an index",
    {
        ".npy": "keras_alexnet.inference.feature_files.npy:read",
        ".npz": "keras_alexnet.inference.feature_files.npz:read",
        ".h5": "keras_alexnet.inference.feature_files.h5:read",
    },
)


class FeatureIndex:
    """One layer of a file of features, with what stands beside it.

    Args:
        path: File that `alexnet features` wrote: .npy, .npz or .h5.
        layer: Name of a layer in it.

    Attributes:
        files: Path of the picture of each row.
        labels: Label of each, or None.
        network: SHA-256 (hex) of the network that made it.

    Raises:
        UserError: It is no such file, lacks FILE.json, or has not that layer.
    """

    def __init__(self, path: Path, layer: str) -> None:
        self._path, self._layer = path, layer
        self._read = INDEX_FILES[path.suffix]
        beside = path.with_name(f"{path.name}.json")
        try:
            facts = json.loads(beside.read_text())
            shape = facts["layers"].get(layer)
            self.files: list[str] = facts["files"]
            self.labels: list[int] | None = facts["labels"]
            self.network: str = facts["network"]["sha256"]
            order, layers = facts["order"], ", ".join(facts["layers"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UserError(
                f"Expected {beside}, which alexnet features writes beside an index; "
                f"cannot read it: {error}. Write the index again."
            ) from None
        if not path.is_file():
            raise UserError(f"Expected an index, found no file {path}.")
        if shape is None:
            raise UserError(
                f"Expected layer {layer} in {path}, found {layers}. Give --layer."
            )
        if order != "HWC" and len(shape) == 3:
            raise UserError(
                f"Expected maps of order HWC in {path}, found {order}. Write the index "
                "without --order."
            )
        self._size = math.prod(shape)

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield the rows in order, flat: float32 or float16 `(rows, elements)`."""
        # A row is looked at as float64, beside its difference from a query.
        rows = max(1, BLOCK_BYTES // (8 * self._size))
        for block in self._read(self._path, self._layer, rows):
            yield block.reshape(-1, self._size)
