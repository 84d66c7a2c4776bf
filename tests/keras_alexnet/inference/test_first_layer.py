import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.inference.first_layer import kernel_pictures
from tests import small
from tests.reference import rounding_bound
from tfrecords.errors import UserError


@pytest.mark.parametrize("colours", [1, 3])
def test_a_kernel_goes_from_its_least_weight_to_its_largest(colours):
    kernel = np.random.default_rng(0).normal(size=(5, 5, colours, 6))
    kernel = kernel.astype(np.float32)
    pictures = kernel_pictures(kernel)
    assert pictures.shape == (6, 5, 5, 3) and pictures.dtype == np.uint8
    for channel, picture in enumerate(pictures):
        one = kernel[..., channel].astype(np.float64)
        level = (one - one.min()) / (one.max() - one.min()) * 255
        np.testing.assert_array_equal(
            picture, np.broadcast_to(level.round(), (5, 5, 3))
        )
        assert picture.min() == 0 and picture.max() == 255


def test_a_kernel_of_equal_weights_is_grey():
    assert (kernel_pictures(np.full((3, 3, 3, 2), 0.7, np.float32)) == 128).all()


def test_responses_are_the_features_of_conv1(run):
    network = load(run)
    layer = network.first_layer()
    assert layer.towers == 2
    kernel = network.model.get_layer("conv1").kernel
    np.testing.assert_array_equal(layer.kernels, kernel_pictures(kernel))
    picture = small.picture(1, 9)
    found = layer.responses(network.image(picture))
    (features,) = network.features([picture], "conv1")
    assert found.shape == (8, 15, 15) and found.dtype == np.float32
    # A kernel of conv1 has 11 x 11 x 3 weights; how many pictures there are decides in
    # which order they are added up.
    largest = np.abs(network.image(picture)).max() * np.abs(kernel).sum(axis=(0, 1, 2))
    limit = 2 * rounding_bound("float32", 363) * largest.max()
    for channel in range(8):
        expected = features[..., channel]
        np.testing.assert_allclose(found[channel], expected, rtol=0, atol=limit)
    half = network.features([picture], "conv1_tower2")[0, ..., 0]
    # The second tower's come second.
    np.testing.assert_allclose(found[4], half, rtol=0, atol=limit)
    assert np.abs(found[0] - half).max() > 100 * limit


def test_an_export_has_none(exported):
    with pytest.raises(UserError, match="Expected a run or network folder"):
        load(exported).first_layer()
