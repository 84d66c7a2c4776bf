import numpy as np
import tensorflow as tf

from keras_alexnet.inference.feature_files.tfrecord import write
from tests.keras_alexnet.inference.feature_files.conftest import LABELS, PATHS


def test_every_picture_is_an_example(written):
    path, arrays = written(write, ".tfrecord")
    records = [r.numpy() for r in tf.data.TFRecordDataset(str(path))]
    assert len(records) == len(PATHS)
    for place, record in enumerate(records):
        feature = tf.train.Example.FromString(record).features.feature
        for name, array in arrays.items():
            found = np.array(feature[name].float_list.value, np.float32)
            np.testing.assert_array_equal(found, array[place].reshape(-1))
        (name,) = feature["image/filename"].bytes_list.value
        assert name.decode("utf-8", "surrogateescape") == PATHS[place]
        assert feature["image/class/label"].int64_list.value == [LABELS[place]]


def test_without_labels_there_is_no_key_for_them(written):
    path, _ = written(write, ".tfrecord", labels=None)
    record = next(iter(tf.data.TFRecordDataset(str(path)))).numpy()
    assert (
        "image/class/label" not in tf.train.Example.FromString(record).features.feature
    )
