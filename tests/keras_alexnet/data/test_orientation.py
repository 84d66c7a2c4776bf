"""The same orientation from the same bytes, in the build and in a graph."""

import functools

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data.orientation import exif_orientation, turned
from keras_alexnet.data.pixels import decode_pixels
from tests.keras_alexnet.data import odd_pictures
from tfrecords.images import decode, store
from tfrecords.images.options import ImageOptions


@functools.cache
def read():
    spec = [tf.TensorSpec((), tf.string)]
    return tf.function(exif_orientation, input_signature=spec, autograph=False)


@pytest.mark.parametrize("name", odd_pictures.oriented())
def test_the_graph_reads_the_orientation_that_pillow_reads(name):
    data = odd_pictures.oriented()[name]
    _, expected = decode.decode_oriented(data)
    assert int(read()(data)) == expected


def test_there_is_something_to_turn():
    found = [decode.decode_oriented(d)[1] for d in odd_pictures.oriented().values()]
    assert {*found} == {*range(1, 9)}


def test_damaged_exif_is_read_as_pillow_reads_it():
    generator = np.random.default_rng(5)
    entries = [odd_pictures.entry("<", value) for value in (6, 3)]
    first = odd_pictures.entry("<", 20, tag=0x10E, kind=2, count=9)
    good = odd_pictures.tiff(first, *entries)
    turns = 0
    for _ in range(150):
        damaged = np.frombuffer(good, np.uint8).copy()
        damaged[generator.integers(0, len(good), 2)] = generator.integers(0, 9, 2)
        segment = odd_pictures.segment(odd_pictures.EXIF + damaged.tobytes())
        data = odd_pictures.jpeg(segment)
        _, expected = decode.decode_oriented(data)
        assert int(read()(data)) == expected, damaged.tobytes()
        turns += expected > 1
    assert 20 < turns < 150


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turning_is_that_of_the_build(orientation):
    exif = odd_pictures.tiff(odd_pictures.entry("<", orientation))
    segment = odd_pictures.segment(odd_pictures.EXIF + exif)
    data = odd_pictures.jpeg(segment)
    size = odd_pictures.HEIGHT
    # Of the stored size, so that nothing is scaled.
    options = ImageOptions(size, apply_exif=True, encoding="raw")
    built = np.frombuffer(store.convert(data, options), np.uint8)
    found = turned(
        decode_pixels(tf.constant(data)), exif_orientation(tf.constant(data))
    )
    height, width = found.shape[:2]
    top, left = (height - size) // 2, (width - size) // 2
    middle = found[top : top + size, left : left + size]
    np.testing.assert_array_equal(middle, built.reshape(size, size, 3))
