"""The same pixels from the same bytes, in the build and in a graph."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data.pixels import decode_pixels
from tests.keras_alexnet.data import odd_pictures
from tfrecords.images import decode


@functools.cache
def pixels():
    spec = [tf.TensorSpec((), tf.string)]
    return tf.function(decode_pixels, input_signature=spec, autograph=False)


@pytest.mark.parametrize("name", odd_pictures.same_pixels())
def test_the_graph_gives_the_pixels_of_the_build(name):
    data = odd_pictures.same_pixels()[name]
    expected = decode.decode(data)
    assert expected.shape == (odd_pictures.HEIGHT, odd_pictures.WIDTH, 3)
    assert np.ptp(expected) > 100
    np.testing.assert_array_equal(pixels()(data), expected)


@pytest.mark.parametrize("message", odd_pictures.refused())
def test_what_tensorflow_would_read_otherwise_is_refused(message):
    data = odd_pictures.refused()[message]
    assert decode.decode(data).ndim == 3
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        pixels()(data)


@pytest.mark.parametrize("data", [b"", b"BM", b"GIF89a", b"\x89PNG", b"\xff\xd8\xff"])
def test_a_signature_alone_is_an_error(data):
    with pytest.raises(tf.errors.InvalidArgumentError):
        pixels()(data)
