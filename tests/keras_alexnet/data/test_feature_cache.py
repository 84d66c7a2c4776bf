import json

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data.feature_cache import map_features
from tfrecords.errors import UserError

IDENTITY = {"weights": "00", "shape": [3]}


def rows(dtype=np.float32):
    return np.random.default_rng(0).normal(size=(5, 2, 3)).astype(dtype)


def batches(features, read=None):
    for start in range(0, len(features), 2):
        if read is not None:
            read.append(start)
        part = features[start : start + 2]
        yield part, np.arange(start, start + len(part))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "features" / "train"


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_rows_are_mapped_and_read_by_place(path, dtype):
    features = rows(tf.as_dtype(dtype).as_numpy_dtype)
    cache = map_features(path, IDENTITY, features, batches(features))
    assert isinstance(cache.rows, np.memmap) and not cache.rows.flags.writeable
    read = tf.function(cache.read, [tf.TensorSpec((3,), tf.int64)])
    found, labels = read(tf.constant([4, 0, 1], tf.int64))
    assert found.dtype == dtype and found.shape == (3, 2, 3)
    np.testing.assert_array_equal(found, features[[4, 0, 1]])
    assert labels.numpy().tolist() == [4, 0, 1]


def damage_row(path):
    path.write_bytes(path.read_bytes()[:-1])


def damage_labels(path):
    beside = path.with_name("train.json")
    beside.write_bytes(beside.read_bytes()[:-1])


@pytest.mark.parametrize("change", [None, damage_row, damage_labels, "weights"])
def test_only_a_whole_file_of_the_same_is_taken(path, change):
    features, read = rows(), []
    map_features(path, IDENTITY, features, batches(features))
    identity = IDENTITY
    if change == "weights":
        identity = {**IDENTITY, "weights": "01"}
    elif change is not None:
        change(path)
    cache = map_features(path, identity, features, batches(features + 1, read))
    assert read == ([] if change is None else [0, 2, 4])
    np.testing.assert_array_equal(cache.rows, features + bool(read))
    assert cache.labels.tolist() == [0, 1, 2, 3, 4]
    assert json.loads(path.with_name("train.json").read_text())["identity"] == identity


def test_what_ends_half_way_leaves_nothing_to_take(path):
    def ends():
        yield rows()[:2], np.arange(2)
        raise KeyboardInterrupt

    features = rows()
    map_features(path, IDENTITY, features, batches(features))
    with pytest.raises(KeyboardInterrupt):
        map_features(path, {}, features, ends())
    assert [file.name for file in path.parent.iterdir()] == ["train"]
    read = []
    map_features(path, IDENTITY, features, batches(features, read))
    assert read == [0, 2, 4]


def test_a_full_disk_is_one_line(path):
    def full():
        yield rows()[:2], np.arange(2)
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left on the disk of .*--resume"):
        map_features(path, IDENTITY, rows(), full())
    assert not [*path.parent.iterdir()]
