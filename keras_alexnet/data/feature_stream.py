"""Features that were computed once to batches, in the order of pictures."""

from pathlib import Path
from typing import Any

import tensorflow as tf

from keras_alexnet.data.feature_cache import FeatureCache
from keras_alexnet.data.records import do_not_convert, open_split, untuned
from keras_alexnet.data.training_stream import TrainingOptions
from tfrecords import Manifest


def feature_batches(
    directory: Path | str,
    features: FeatureCache,
    *,
    manifest: Manifest | None = None,
    **options: Any,
) -> tf.data.Dataset:
    """Stream features of pictures in the order of `train_dataset`.

    Args:
        directory: A dataset folder made by `tfrecords.build`.
        features: Of the pictures of this split.
        manifest: Of the directory, where it was read already; None reads it.
        **options: As for `train_dataset`; those of the augmentation do not count.

    Returns:
        Dataset of `(features, labels)`, labels int64 `(batch,)`.

    Raises:
        DatasetError, TypeError: As `train_dataset`.
    """
    chosen = TrainingOptions(**options)
    split = open_split(directory, chosen.split, chosen.input_size, manifest)
    places = (
        chosen.presentations(split)
        .dataset()
        .map(do_not_convert(lambda epoch, place, example: example))
        .batch(chosen.batch_size, drop_remainder=True)
        .apply(tf.data.experimental.assert_cardinality(chosen.batches(split)))
    )
    return _rows(features, places)


def features_in_order(features: FeatureCache, *, batch_size: int) -> tf.data.Dataset:
    """Give the features of every picture once, as `feature_batches` does.

    Args:
        features: Of the pictures of a split.
        batch_size: Of a batch; the last one has what is left.
    """
    return _rows(features, tf.data.Dataset.range(len(features.rows)).batch(batch_size))


def _rows(features: FeatureCache, places: tf.data.Dataset) -> tf.data.Dataset:
    read = do_not_convert(features.read)
    batches = places.map(read, num_parallel_calls=1, deterministic=True)
    return batches.prefetch(2).apply(untuned)
