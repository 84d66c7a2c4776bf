import pytest

from keras_alexnet.serving.options import ServingOptions
from tfrecords.errors import UserError


@pytest.mark.parametrize(
    "fields",
    [
        {"top": 0},
        {"max_batch": 0},
        {"max_batch": 1.5},
        {"queue": 0},
        {"max_bytes": -1},
        {"max_pixels": 0},
        {"max_wait_ms": -1},
        {"max_wait_ms": float("nan")},
        {"queue_seconds": 0},
        {"sender_seconds": 0},
        {"sender_seconds": float("inf")},
        {"reload_seconds": 0},
    ],
)
def test_numbers_have_their_ranges(fields):
    (name,) = fields
    with pytest.raises(UserError, match=name):
        ServingOptions(**fields).check()


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a:predict", "../x", "x-images"])
def test_a_name_can_stand_in_an_address(name):
    with pytest.raises(UserError, match="name"):
        ServingOptions(name=name).check()


def test_an_origin_is_one():
    ServingOptions(allow_origin=("*", "https://a.example")).check()
    with pytest.raises(UserError, match="--allow-origin, got 'a.example'"):
        ServingOptions(allow_origin=("a.example",)).check()


def test_a_batch_is_no_longer_than_the_queue():
    with pytest.raises(UserError, match="queue"):
        ServingOptions(max_batch=65).check()
    ServingOptions(max_batch=65, queue=65).check()
