"""Bytes on the way to a device become the images that the pipeline would give."""

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import PixelBatch, train_dataset, training_batches
from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.data.pixel_batch import normalized_batches
from tests.keras_alexnet.data.streams import OPTIONS, STEPS
from tests.small import INPUT


@pytest.mark.parametrize("noise", ["released", "eigenvalue", None])
def test_training_pixels_become_the_images_bit_by_bit(dataset, noise):
    options = {**OPTIONS, "epochs": 2, "colour_epochs": 1, "colour_noise": noise}
    both = train_dataset(dataset, **options), training_batches(dataset, **options)
    patch = mean_patch(load_statistics(dataset), INPUT)
    step = tf.function(lambda pixels: pixels.normalized(patch))
    coloured = []
    for (images, labels), (pixels, own) in tf.data.Dataset.zip(*both):
        np.testing.assert_array_equal(pixels.normalized(patch), images)
        np.testing.assert_array_equal(step(pixels), images)
        np.testing.assert_array_equal(labels, own)
        coloured.append(bool(tf.reduce_any(pixels.offsets != 0)))
    assert coloured == [noise is not None] * STEPS + [False] * STEPS


def test_pixels_without_noise_are_only_rid_of_the_mean():
    pixels = np.arange(2 * 3 * 3 * 3, dtype="uint8").reshape(2, 3, 3, 3)
    mean = np.full((3, 3, 3), 7.5, "float32")
    found = PixelBatch.without_noise(tf.constant(pixels)).normalized(mean)
    np.testing.assert_array_equal(found, pixels - mean)


def test_noise_is_added_after_the_scale():
    pixels = np.full((2, 3, 3, 3), 100, "uint8")
    offsets = np.array([[1, 2, 3], [-4, -5, -6]], "float32")
    batch = PixelBatch(tf.constant(pixels), tf.constant(offsets), tf.constant(0.5))
    found = batch.normalized(np.full((3, 3, 3), 60, "float32"))
    expected = 20 + offsets[:, None, None, :] + np.zeros((2, 3, 3, 3))
    np.testing.assert_array_equal(found, expected)


def test_a_dataset_is_normalized_batch_by_batch():
    pixels = np.arange(2 * 3 * 3 * 3, dtype="uint8").reshape(2, 3, 3, 3)
    batch = PixelBatch.without_noise(tf.constant(pixels)), tf.constant([4, 5])
    batches = tf.data.Dataset.from_tensors(batch).repeat(2)
    found = normalized_batches(batches, np.full((3, 3, 3), 9, "float32"))
    assert len(found) == 2
    for images, labels in found:
        np.testing.assert_array_equal(images, pixels.astype("float32") - 9)
        np.testing.assert_array_equal(labels, [4, 5])
