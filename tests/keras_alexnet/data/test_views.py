import numpy as np
import pytest

from keras_alexnet.data import centre_view, ten_views


def coordinates(side):
    """Pictures whose two channels are the row and the column."""
    rows, columns = np.meshgrid(np.arange(side), np.arange(side), indexing="ij")
    return np.stack([rows, columns], axis=-1)[None]


@pytest.mark.parametrize(("size", "far", "middle"), [(224, 32, 16), (227, 29, 14)])
def test_ten_views_start_at_the_corners_and_the_centre(size, far, middle):
    views = ten_views(coordinates(256), size).numpy()[0]
    starts = [(0, 0), (0, far), (middle, middle), (far, 0), (far, far)]
    assert views.shape == (10, size, size, 2)
    assert [tuple(view[0, 0]) for view in views[:5]] == starts
    assert [tuple(view[0, -1]) for view in views[5:]] == starts
    ends = [(row + size - 1, column + size - 1) for row, column in starts]
    assert [tuple(view[-1, -1]) for view in views[:5]] == ends


def test_last_five_views_mirror_the_first_five():
    views = ten_views(coordinates(20), 12).numpy()
    np.testing.assert_array_equal(views[:, 5:], views[:, :5, :, ::-1])


def test_centre_view_is_the_third_of_ten():
    images = coordinates(21)
    np.testing.assert_array_equal(centre_view(images, 12), ten_views(images, 12)[:, 2])


def test_view_of_the_whole_picture_is_the_picture():
    images = coordinates(9)
    np.testing.assert_array_equal(centre_view(images, 9), images)


@pytest.mark.parametrize("cut", [centre_view, ten_views])
def test_too_small_pictures_are_refused_with_their_shape(cut):
    with pytest.raises(ValueError, match=r"at least 10 x 10 pixels.*9, 9"):
        cut(coordinates(9), 10)
