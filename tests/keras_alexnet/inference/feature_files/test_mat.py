import json

import numpy as np
import scipy.io

from keras_alexnet.inference.feature_files.mat import write
from tests.keras_alexnet.inference.feature_files.conftest import LABELS, PATHS


def test_variables_are_read_back(written):
    path, arrays = written(write, ".mat")
    found = scipy.io.loadmat(path)
    for name, array in arrays.items():
        assert name.isidentifier() and found[name].dtype == np.float32
        np.testing.assert_array_equal(found[name], array)
    names = [str(cell[0]) for cell in found["paths"][:, 0]]
    assert names == [*PATHS[:2], r"caf\xe9.jpg", *PATHS[3:]]
    assert found["labels"][:, 0].tolist() == LABELS
    assert json.loads(str(found["facts"][0]))["order"] == "HWC"


def test_the_header_has_no_time_of_day(written):
    path, _ = written(write, ".mat", labels=None)
    header = path.read_bytes()[:116]
    assert header.rstrip() == b"MATLAB 5.0 MAT-file, features of alexnet"
    assert "labels" not in scipy.io.loadmat(path)
