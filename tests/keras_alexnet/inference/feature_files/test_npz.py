import json
import zipfile

import numpy as np
import pytest

from keras_alexnet.inference.feature_files.npz import write
from tests.keras_alexnet.inference.feature_files.conftest import LABELS, PATHS


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_arrays_are_read_back_without_pickle(written, dtype):
    path, arrays = written(write, ".npz", dtype=dtype)
    found = np.load(path)
    for name, array in arrays.items():
        assert found[name].dtype == dtype
        np.testing.assert_array_equal(found[name], array)
    assert found["paths"].tolist() == PATHS and found["labels"].tolist() == LABELS
    assert json.loads(str(found["facts"]))["network"] == {"sha256": "00"}
    entries = zipfile.ZipFile(path).infolist()
    assert {entry.date_time[0] for entry in entries} == {1980}  # no time of day


def test_without_labels_there_are_none(written):
    path, _ = written(write, ".npz", labels=None)
    assert "labels" not in np.load(path)
