"""What tests of streams share: batches as arrays, and the records behind them."""

import numpy as np
import tensorflow as tf

from tests.reference import rounding_bound
from tests.small import INPUT, STORED
from tfrecords import Manifest
from tfrecords.dataset import example
from tfrecords.images import store
from tfrecords.images.options import ImageOptions

TRAIN, VALIDATION = 36, 12  # 3 classes of 16
OPTIONS = {"batch_size": 8, "input_size": INPUT}
STEPS = TRAIN // 8
LOW = (STORED - INPUT) // 2
MIDDLE = np.s_[..., LOW : LOW + INPUT, LOW : LOW + INPUT, :]
# What rounding does to a pixel with its mean taken off, in levels of 255.
PIXEL = 255 * rounding_bound("float32")


def arrays(batches, count=-1):
    """The first batches, each as a list of its arrays."""
    return [tf.nest.flatten(batch) for batch in batches.take(count).as_numpy_iterator()]


def assert_same(ours, others):
    assert len(ours) == len(others) > 0
    for one, other in zip(ours, others, strict=True):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def stored(dataset, split):
    """The records of a split in the order of the shards: squares, uint8, and labels."""
    manifest = Manifest.load(dataset)
    names = [str(dataset / shard.file) for shard in manifest.splits[split]]
    raw = tf.data.TFRecordDataset(names).as_numpy_iterator()
    records = [example.decode_example(record) for record in raw]
    options = ImageOptions.recorded(manifest.options)
    squares = [store.square(record.encoded, options) for record in records]
    return np.stack(squares), [record.label for record in records]
