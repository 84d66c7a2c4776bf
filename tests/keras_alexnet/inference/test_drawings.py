import numpy as np
import pytest

from keras_alexnet.inference.drawings import data_url, grey_levels, sheet
from tests.keras_alexnet.serving.drawn import pixels_of


@pytest.mark.parametrize("shape", [(5, 7, 3), (5, 7)])
def test_pixels_are_the_same_in_an_address(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(pixels_of(data_url(pixels)), pixels)
    near = pixels_of(data_url(np.full(shape, 90, np.uint8), "JPEG"), "jpeg")
    assert near.shape == shape and np.abs(near.astype(int) - 90).max() < 3


@pytest.mark.parametrize("colours", [(), (3,)])
def test_a_sheet_has_each_picture_at_its_place(colours):
    pictures = np.random.default_rng(0).integers(0, 256, (7, 2, 4, *colours), np.uint8)
    whole = sheet(pictures, 3)
    assert whole.shape == (6, 12, *colours) and whole.dtype == np.uint8
    for place, picture in enumerate(pictures):
        row, column = divmod(place, 3)
        cut = whole[2 * row : 2 * row + 2, 4 * column : 4 * column + 4]
        np.testing.assert_array_equal(cut, picture)
    assert not whole[4:, 4:].any()


def test_levels_go_from_the_lowest_to_the_highest():
    values = np.array([-3.0, -1.0, 1.0, 5.0, 9.0], np.float32)
    assert grey_levels(values, -1, 5).tolist() == [0, 0, 85, 255, 255]
    assert grey_levels(np.full(3, 2.0), 2, 2).tolist() == [0, 0, 0]
