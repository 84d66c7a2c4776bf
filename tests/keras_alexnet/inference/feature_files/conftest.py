"""A table of features that no network made, and how its file is checked."""

import numpy as np
import pytest

from keras_alexnet.inference.feature_files import table as tables
from keras_alexnet.inference.feature_files.table import FeatureTable, raw_path

SHAPES = {"fc7": (6,), "conv5_tower1": (2, 3, 4)}
PATHS = ["b.jpg", "a/ä.jpg", "caf\udce9.jpg", "c.jpg", "d.jpg"]
LABELS = [2, 0, 1, 1, 0]


@pytest.fixture
def make_table(tmp_path, monkeypatch):
    """A function that makes a table of two rows a block, and its arrays."""

    def make(names=tuple(SHAPES), dtype="float32", labels=LABELS):
        shapes = {name: SHAPES[name] for name in names}
        arrays = {}
        for seed, (name, shape) in enumerate(shapes.items()):
            numbers = np.random.default_rng(seed).normal(size=(len(PATHS), *shape))
            arrays[name] = numbers.astype(dtype)
            arrays[name].tofile(raw_path(tmp_path, name))
        row = sum(array[0].nbytes for array in arrays.values())
        monkeypatch.setattr(tables, "BLOCK_BYTES", 2 * row + 1)
        facts = {"order": "HWC", "network": {"sha256": "00"}}
        return FeatureTable(
            facts, shapes, dtype, tmp_path, list(PATHS), labels, []
        ), arrays

    return make


@pytest.fixture
def written(make_table, tmp_path):
    """A function that writes a table twice, days apart, and gives file and arrays."""

    def write_twice(write, ending, **options):
        table, arrays = make_table(**options)
        paths = [tmp_path / f"{n}{ending}" for n in ("one", "two")]
        for path in paths:
            write(table, path)
        assert paths[0].read_bytes() == paths[1].read_bytes()
        return paths[0], arrays

    return write_twice
