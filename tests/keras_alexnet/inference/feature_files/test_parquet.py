import importlib
import json
import sys

import numpy as np
import pytest
from pyarrow import parquet

from keras_alexnet.inference.feature_files import FEATURE_FILES
from keras_alexnet.inference.feature_files.parquet import write
from tests.keras_alexnet.inference.feature_files.conftest import LABELS, PATHS
from tfrecords.errors import UserError


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_columns_are_fixed_size_lists(written, dtype):
    path, arrays = written(write, ".parquet", dtype=dtype)
    found = parquet.read_table(path)
    for name, array in arrays.items():
        column = found[name].combine_chunks()
        assert column.type.list_size == array[0].size
        flat = column.flatten().to_numpy()
        assert flat.dtype == dtype
        np.testing.assert_array_equal(flat, array.reshape(-1))
    assert found["label"].to_pylist() == LABELS
    names = found["path"].to_pylist()
    assert names == [*PATHS[:2], r"caf\xe9.jpg", *PATHS[3:]]
    assert json.loads(found.schema.metadata[b"facts"])["order"] == "HWC"
    assert parquet.ParquetFile(path).num_row_groups == 3  # a block each


def test_a_missing_package_says_what_to_install(monkeypatch):
    module = "keras_alexnet.inference.feature_files.parquet"
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.delitem(sys.modules, module)
    with pytest.raises(UserError, match=r"pip install 'keras-alexnet\[features\]'"):
        FEATURE_FILES[".parquet"]
    monkeypatch.undo()
    importlib.import_module(module)
