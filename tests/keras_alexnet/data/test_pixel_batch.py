"""Crops become, wherever that is done, the images that the pipeline would give."""

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import Crops, Share, eval_dataset, train_dataset
from keras_alexnet.data.mean import load_statistics, mean_patch
from tests.small import INPUT

OPTIONS = {"batch_size": 8, "input_size": INPUT}


@pytest.fixture
def patch(dataset):
    return mean_patch(load_statistics(dataset), INPUT)


def assert_same(crops, images, patch):
    step = tf.function(lambda crops: crops.normalized(patch))
    np.testing.assert_array_equal(crops.normalized(patch), images)
    np.testing.assert_array_equal(step(crops), images)


@pytest.mark.parametrize("noise", ["released", "eigenvalue", None])
@pytest.mark.parametrize("share", [None, Share(1, 2, 4)])
def test_training_crops_become_the_images_bit_by_bit(dataset, patch, noise, share):
    options = {**OPTIONS, "epochs": 2, "colour_epochs": 1, "colour_noise": noise}
    both = [
        train_dataset(dataset, **options, share=share, normalized=normalized)
        for normalized in (True, False)
    ]
    coloured = []
    for (images, labels), (crops, own) in tf.data.Dataset.zip(*both).take(8):
        assert_same(crops, images, patch)
        np.testing.assert_array_equal(labels, own)
        coloured.append(bool(tf.reduce_any(crops.offsets != 0)))
    # Two epochs of 4 steps, of 2 replicas each with a share: of those the first epoch.
    first = [noise is not None] * (4 if share is None else 8)
    assert coloured == (first + [False] * 4)[:8]


@pytest.mark.parametrize("num_views", [1, 10])
@pytest.mark.parametrize("share", [None, Share(0, 1, 4)])
def test_so_do_those_of_evaluation(dataset, patch, num_views, share):
    options = {**OPTIONS, "num_views": num_views, "share": share}
    both = [
        list(eval_dataset(dataset, **options, normalized=normalized))
        for normalized in (True, False)
    ]
    assert len(both[0]) == len(both[1]) > 1
    for (images, *rest), (crops, *own) in zip(*both, strict=True):
        assert_same(crops, images, patch)
        for first, second in zip(rest, own, strict=True):
            np.testing.assert_array_equal(first, second)


def test_crops_are_what_the_docstring_says(dataset):
    crops, labels = next(iter(train_dataset(dataset, **OPTIONS, normalized=False)))
    assert isinstance(crops, Crops) and labels.shape == (8,)
    assert crops.images.shape == (8, INPUT, INPUT, 3)
    assert crops.images.dtype == tf.uint8
    assert crops.offsets.shape == (8, 3) and crops.offsets.dtype == tf.float32
    assert crops.scale.shape == () and float(crops.scale) == np.float32(1 / 1.1)


def test_plain_crops_are_only_rid_of_the_mean():
    pixels = np.arange(2 * 3 * 3 * 3, dtype="uint8").reshape(2, 3, 3, 3)
    mean = np.full((3, 3, 3), 7.5, "float32")
    found = Crops.plain(tf.constant(pixels)).normalized(mean)
    np.testing.assert_array_equal(found, pixels - mean)
