"""Layers as a TFRecord file, an Example a picture, a list of floats a layer."""

from pathlib import Path

import tensorflow as tf

from keras_alexnet.inference.feature_files.table import FeatureTable
from tfrecords.dataset.example import FILENAME, LABEL


def write(table: FeatureTable, path: Path) -> None:
    """Write a table; shapes and facts stand beside it, in JSON.

    Keys are the names of the layers, with `image/filename` and `image/class/label` as
    datasets have them.
    """
    with tf.io.TFRecordWriter(str(path)) as writer:
        for rows, arrays in table.blocks():
            for place in range(rows.start, rows.stop):
                name = table.paths[place].encode("utf-8", "surrogateescape")
                feature = {
                    FILENAME: tf.train.Feature(
                        bytes_list=tf.train.BytesList(value=[name])
                    )
                }
                if table.labels is not None:
                    label = tf.train.Int64List(value=[table.labels[place]])
                    feature[LABEL] = tf.train.Feature(int64_list=label)
                for layer, array in arrays.items():
                    row = array[place - rows.start].reshape(-1)
                    floats = tf.train.FloatList(value=row)
                    feature[layer] = tf.train.Feature(float_list=floats)
                example = tf.train.Example(features=tf.train.Features(feature=feature))
                writer.write(example.SerializeToString(deterministic=True))
