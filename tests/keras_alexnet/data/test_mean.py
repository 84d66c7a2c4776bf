import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data.mean import load_statistics, mean_patch, subtract_mean
from tests.keras_alexnet.data.streams import LOW, PIXEL
from tests.reference import rounding_bound
from tests.small import INPUT
from tfrecords import DatasetError


def test_the_patch_is_the_centre_of_the_mean_image(dataset):
    statistics = load_statistics(dataset)
    patch = mean_patch(statistics, INPUT)
    middle = statistics.mean_image[LOW : LOW + INPUT, LOW : LOW + INPUT]
    assert patch.dtype == np.float32
    np.testing.assert_array_equal(patch, middle.astype("float32"))


def test_channel_mean_is_one_colour(dataset):
    statistics = load_statistics(dataset)
    patch = mean_patch(statistics, 5, "channel")
    colour = np.tile(statistics.channel_means, (5, 5, 1))
    np.testing.assert_allclose(patch, colour, rtol=rounding_bound("float32", steps=0))
    with pytest.raises(ValueError, match="Received: 'median'"):
        mean_patch(statistics, 5, "median")


def test_nothing_is_zeros(dataset):
    patch = mean_patch(load_statistics(dataset), 5, "none")
    assert patch.dtype == np.float32
    np.testing.assert_array_equal(patch, np.zeros((5, 5, 3)))


def test_a_folder_without_statistics_is_named(tmp_path):
    with pytest.raises(DatasetError, match=str(tmp_path)):
        load_statistics(tmp_path)


@pytest.mark.parametrize("sides", [(9, 9), (5, 8)])
@pytest.mark.parametrize("lead", [(3,), (2, 10)])
def test_subtracting_is_what_float64_says(lead, sides):
    generator = np.random.default_rng(4)
    pixels = generator.integers(0, 256, (*lead, *sides, 3), np.uint8)
    patch = generator.normal(120, 30, (*sides, 3)).astype("float32")
    offsets = generator.normal(0, 20, (3, 3)).astype("float32")[: lead[0]]
    found = subtract_mean(pixels, patch, offsets, tf.constant(0.9)).numpy()
    colours = offsets.reshape(-1, *[1] * len(lead), 1, 3)
    expected = 0.9 * (pixels - patch.astype("float64")) + colours
    np.testing.assert_allclose(found, expected, rtol=0, atol=2 * PIXEL)


def test_each_view_may_lose_a_mean_of_its_own():
    generator = np.random.default_rng(5)
    pixels = generator.integers(0, 256, (2, 10, 6, 7, 3), np.uint8)
    means = generator.integers(0, 256, (10, 6, 7, 3)).astype("float32")
    found = subtract_mean(pixels, means, np.zeros((2, 3), "float32"), np.float32(1))
    # Whole numbers: exact.
    np.testing.assert_array_equal(found, pixels - means)
