import numpy as np
import pytest

from keras_alexnet.inference.colour_index import colour_index
from tfrecords.errors import UserError


def test_grey_is_0_a_single_colour_2_3_and_what_grey_leaves_cold_1():
    pixel = [[1, 1, 1], [1, 0, 0], [1, -1, 0], [0, 0, 0], [2, 2, 2]]
    kernel = np.ones((2, 3, 1, 1)) * np.array(pixel, np.float32).T
    expected = [0, 2 / 3, 1, 0, 0]
    np.testing.assert_allclose(colour_index(kernel), expected, atol=1e-15)


def test_one_colour_is_grey_and_other_shapes_are_refused():
    np.testing.assert_array_equal(colour_index(np.ones((3, 3, 1, 2))), [0, 0])
    with pytest.raises(UserError, match="1 or 3"):
        colour_index(np.ones((3, 3, 2, 2)))
