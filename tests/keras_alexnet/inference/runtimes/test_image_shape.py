import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.inference.runtimes import RUNTIMES
from keras_alexnet.inference.runtimes.image_shape import check_images
from tests import small
from tfrecords.errors import UserError

IMAGE = (small.INPUT, small.INPUT, 3)


@pytest.mark.parametrize("shape", [(2, *IMAGE), (0, *IMAGE), (2, 10, *IMAGE)])
def test_batches_of_images_and_of_views_pass(shape):
    check_images(shape, IMAGE)


@pytest.mark.parametrize("shape", [(), IMAGE, (1, 66, 67, 3), (1, *IMAGE[:2], 1)])
def test_all_else_is_refused(shape):
    with pytest.raises(UserError, match=r"\(batch, 67, 67, 3\), or those of several"):
        check_images(shape, IMAGE)


@pytest.fixture(scope="module")
def networks(run, exported, converted):
    """Where each runtime is, the ways of TensorFlow too."""
    return [load(folder) for folder in (run, exported, *converted.values())]


def test_every_runtime_says_what_it_takes_and_answers_nothing_with_nothing(networks):
    assert {network.runtime for network in networks} == {*RUNTIMES}
    for network in networks:
        for wrong in (np.float32(1), np.zeros(IMAGE, np.float32)):
            with pytest.raises(UserError, match="or those of several views"):
                network.probabilities(wrong)
        assert network.probabilities(np.zeros((0, *IMAGE), np.float32)).shape == (0, 3)


def test_one_broken_picture_in_a_batch_is_an_error_of_its_own(networks):
    picture = small.encode(small.picture(1, 2, 80, 90))
    for network in networks:
        found = network.predict([picture, b"none", picture])
        assert [bool(each.error) for each in found] == [False, True, False]
