import numpy as np
import pytest

from keras_alexnet.inference.feature_files.npy import write


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_an_array_can_be_mapped(written, dtype):
    path, arrays = written(write, ".npy", names=["conv5_tower1"], dtype=dtype)
    found = np.load(path, mmap_mode="r")
    assert isinstance(found, np.memmap) and found.dtype == dtype
    np.testing.assert_array_equal(found, arrays["conv5_tower1"])
