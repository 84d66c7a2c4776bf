import numpy as np
import pytest

from keras_alexnet.data import training_batches
from keras_alexnet.data.feature_cache import FeatureCache
from keras_alexnet.data.feature_stream import feature_batches, features_in_order
from tests.keras_alexnet.data.streams import (
    OPTIONS,
    STEPS,
    TRAIN,
    arrays,
    assert_same,
    stored,
)
from tests.small import STORED
from tfrecords import DatasetError


@pytest.fixture(scope="module")
def features(dataset):
    """The whole pictures, as if they were features."""
    squares, labels = stored(dataset, "train")
    return FeatureCache(squares, np.array(labels))


@pytest.mark.parametrize("start", [{}, {"first_epoch": 1, "first_step": 3}])
def test_the_order_is_that_of_the_pictures(dataset, features, start):
    # A crop of the whole picture is the picture.
    options = {**OPTIONS, "input_size": STORED, "epochs": 3, "seed": 5, **start}
    plain = {"flip": False, "colour_noise": None}
    pixels = training_batches(dataset, **options, **plain)
    expected = [(images, labels) for images, _, _, labels in arrays(pixels)]
    found = feature_batches(dataset, features, **options)
    assert len(found) == len(expected) == (2 * STEPS - 3 if start else 3 * STEPS)
    for ours, theirs in zip(arrays(found), expected, strict=True):
        apart = ours[0].astype(int) - theirs[0]
        assert abs(apart).max() <= 2  # see test_stored_picture: TensorFlow and Pillow
        np.testing.assert_array_equal(ours[1], theirs[1])
    assert found.element_spec[0].shape == (8, STORED, STORED, 3)


def test_features_in_order_are_all_once_and_a_rest(features):
    found = arrays(features_in_order(features, batch_size=8))
    assert [len(labels) for _, labels in found] == [8, 8, 8, 8, 4]
    np.testing.assert_array_equal(np.concatenate([f for f, _ in found]), features.rows)
    labels = np.concatenate([labels for _, labels in found])
    np.testing.assert_array_equal(labels, features.labels)
    assert len(labels) == TRAIN
    again = features_in_order(features, batch_size=8)
    assert_same(arrays(again), found)


def test_less_than_a_batch_is_refused(dataset, features):
    with pytest.raises(DatasetError, match="at least one batch of 99 .* found 36"):
        feature_batches(dataset, features, **{**OPTIONS, "batch_size": 99})
