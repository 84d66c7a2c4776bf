import json

import h5py
import numpy as np
import pytest

from keras_alexnet.inference.feature_files.h5 import write
from tests.keras_alexnet.inference.feature_files.conftest import LABELS, PATHS


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_datasets_are_read_back_in_chunks_of_a_picture(written, dtype):
    path, arrays = written(write, ".h5", dtype=dtype)
    with h5py.File(path) as file:
        for name, array in arrays.items():
            assert file[name].dtype == dtype
            assert file[name].chunks == (1, *array.shape[1:])
            np.testing.assert_array_equal(file[name][:], array)
        names = [x.decode("utf-8", "surrogateescape") for x in file["paths"][:]]
        assert names == PATHS and file["labels"][:].tolist() == LABELS
        assert json.loads(file.attrs["facts"])["order"] == "HWC"


def test_without_labels_there_are_none(written):
    path, _ = written(write, ".h5", labels=None)
    with h5py.File(path) as file:
        assert {*file} == {"fc7", "conv5_tower1", "paths"}
