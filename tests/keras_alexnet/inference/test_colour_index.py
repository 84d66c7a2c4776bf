import numpy as np
import pytest

from keras_alexnet.inference.colour_index import colour_index
from tests.reference import rounding_bound
from tfrecords.errors import UserError

ROWS, COLUMNS = np.mgrid[:11, :11]
GRATING = np.cos(0.7 * ROWS + 0.4 * COLUMNS)
# Hand-made: what is at each pixel, R, G and B, and the index that follows.
COLOURS = {
    "grey": ((1, 1, 1), 0),
    "red against green": ((1, -1, 0), 1),
    "blue against yellow": ((-0.5, -0.5, 1), 1),
    "blue alone": ((0, 0, 1), 2 / 3),
    "yellow": ((1, 1, 0), 1 / 3),
}


@pytest.mark.parametrize("name", COLOURS)
def test_a_grating_of_one_colour_has_the_index_of_the_colour(name):
    colour, expected = COLOURS[name]
    kernel = (GRATING[..., None] * colour)[..., None] * [1, -3, 1e-4]
    found = colour_index(kernel.astype(np.float32))
    assert found.shape == (3,) and found.dtype == np.float64
    # A sum of 363 products of numbers that were rounded to float32.
    assert found == pytest.approx(expected, abs=rounding_bound("float32", 363))


def test_it_is_the_mean_of_pixels_by_their_energy():
    kernel = np.zeros((1, 2, 3, 1))
    kernel[0, 0, :, 0] = 1, 1, 1  # energy 3, all of it grey
    kernel[0, 1, :, 0] = 3, -3, 0  # energy 18, none of it
    assert colour_index(kernel)[0] == pytest.approx(18 / 21, rel=1e-15)


def test_nothing_and_grey_kernels_have_no_colour():
    assert (colour_index(np.zeros((5, 5, 3, 4))) == 0).all()
    generator = np.random.default_rng(0)
    assert (colour_index(generator.normal(size=(5, 5, 1, 4))) == 0).all()
    grey = np.repeat(generator.normal(size=(5, 5, 1, 999)), 3, axis=2)
    found = colour_index(grey)  # where rounding would leave some below 0
    assert found.min() >= 0 and found.max() < 1e-14


def test_noise_is_two_thirds_colour():
    noise = np.random.default_rng(1).normal(size=(11, 11, 3, 96))
    # 121 pixels: a share of mean 2/3 with a deviation of about sqrt(2/9 * 2/3 / 121).
    found = colour_index(noise)
    assert abs(found.mean() - 2 / 3) < 4 * 0.035 / np.sqrt(96)


@pytest.mark.parametrize("shape", [(11, 11, 3), (11, 11, 4, 2), (3,)])
def test_another_shape_is_refused(shape):
    with pytest.raises(UserError, match="1 or 3, filters"):
        colour_index(np.zeros(shape))
