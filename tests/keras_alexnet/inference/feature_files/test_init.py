from pathlib import Path

import pytest

from keras_alexnet.inference.feature_files import FEATURE_FILES, check_feature_file
from tfrecords.errors import UserError

TWO = {"fc7": 10, "conv5": 20}


def test_every_ending_has_a_writer():
    assert [*FEATURE_FILES] == [".npy", ".npz", ".h5", ".mat", ".parquet", ".tfrecord"]
    for ending, write in FEATURE_FILES.items():
        assert write.__name__ == "write" and write.__module__.endswith(ending)
        check_feature_file(Path(f"out{ending}"), {"fc7": 10})


@pytest.mark.parametrize(
    ("name", "layers", "dtype", "said"),
    [
        (
            "out.csv",
            TWO,
            "float32",
            r"Unknown ending of .* '.csv'. Expected one of: .n",
        ),
        ("out", TWO, "float32", "Unknown ending of a file of features ''"),
        ("out.npy", TWO, "float32", "Expected one layer.*got fc7, conv5. Take .npz"),
        ("out.mat", TWO, "float16", "Expected --dtype float32"),
        ("out.tfrecord", TWO, "float16", "Expected --dtype float32"),
        ("out.mat", {"fc7": 2**31}, "float32", "fc7 may have 2,147,483,648. Take .h5"),
    ],
)
def test_what_a_file_cannot_hold_is_refused(name, layers, dtype, said):
    with pytest.raises(UserError, match=said):
        check_feature_file(Path(name), layers, dtype)
