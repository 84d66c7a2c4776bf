import numpy as np
import pytest

from keras_alexnet.weights.caffe_mean import CAFFE_RULE, MOST_BYTES, with_mean
from tests.keras_alexnet.weights.caffe_files import blob, field
from tfrecords.errors import UserError


def test_a_mean_image_becomes_rgb_rows_and_columns(file):
    mean = np.random.default_rng(0).uniform(90, 130, (3, 256, 256)).astype("float32")
    for form in ("four sides", "shape"):
        rule = with_mean(CAFFE_RULE, file(blob(mean, form)))
        assert rule.mean.shape == (256, 256, 3) and rule.mean_at == "view"
        np.testing.assert_array_equal(rule.mean[..., 2], mean[0])  # blue
        np.testing.assert_array_equal(rule.mean[..., 0], mean[2])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", r"shape \(1, 1, 1, 1\)|numbers"),
        (b"hello", "no protobuf message"),
        (blob(np.ones((3, 32, 32), "f")), r"shape \(3, 32, 32\)"),
        (blob(np.full((3, 256, 256), np.nan, "f")), "not finite"),
        (field(7, field(1, 3)) + field(5, b"\0" * 8), "Expected 3 numbers"),
    ],
)
def test_what_is_no_mean_is_refused(file, data, reason):
    with pytest.raises(UserError, match=reason):
        with_mean(CAFFE_RULE, file(data))


def test_a_file_too_large_or_absent_is_not_read(file, tmp_path):
    path = file(b"")
    with open(path, "r+b") as large:
        large.truncate(MOST_BYTES + 1)
    with pytest.raises(UserError, match="bytes"):
        with_mean(CAFFE_RULE, path)
    with pytest.raises(UserError, match="found no file"):
        with_mean(CAFFE_RULE, tmp_path / "none")
