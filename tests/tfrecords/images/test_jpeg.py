"""Markers, and damaged bytes: a picture that everyone reads alike, or a rejection."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tfrecords.conftest import encoded, noise
from tfrecords.images import decode, store
from tfrecords.images.decode import Rejected
from tfrecords.images.jpeg import frame_size, is_well_formed, tensorflow_agrees
from tfrecords.images.options import ImageOptions


def test_arithmetic_coding_is_not_passed_through():
    data = encoded(noise(256, 256))
    assert is_well_formed(data)
    assert not is_well_formed(data.replace(b"\xff\xc0", b"\xff\xc9"))


def test_a_jpeg_without_a_frame_is_not_well_formed():
    data = encoded(noise(64, 64))
    at = data.index(b"\xff\xc0")
    end = at + 2 + int.from_bytes(data[at + 2 : at + 4])
    assert not is_well_formed(data[:at] + data[end:])


def test_tensorflow_agrees_where_it_sees_the_same_pixels():
    data = encoded(noise(40, 40))
    assert tensorflow_agrees(data, decode.decode(data))
    assert not tensorflow_agrees(data, decode.decode(data) ^ 1)
    assert not tensorflow_agrees(data[:-30], decode.decode(data))


@pytest.mark.parametrize("shape", [(40, 50), (1, 300), (700, 3)])
def test_the_size_is_that_of_the_first_frame(shape):
    assert frame_size(encoded(noise(*shape))) == shape
    with pytest.raises(ValueError, match="frame header"):
        frame_size(encoded(noise(*shape), "PNG"))


SIZE = 32


# Of the right size, so that they would be stored untouched, and of others.
GOOD = [
    encoded(noise(SIZE, SIZE)),
    encoded(noise(SIZE, SIZE), progressive=True),
    encoded(noise(SIZE, SIZE), quality=60, restart_marker_blocks=2),
    encoded(noise(SIZE, SIZE, 1)),
    encoded(noise(41, 30)),
    encoded(noise(40, 30), "PNG"),
    encoded(noise(40, 30, 1), "PNG"),
]


_PLACE = st.integers(0, 4000)


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), _PLACE, st.integers(0, 7)),
        st.tuples(st.just("cut"), _PLACE, st.integers(1, 60)),
        st.tuples(st.just("insert"), _PLACE, st.binary(min_size=1, max_size=6)),
        st.tuples(st.just("end"), _PLACE, st.none()),
        st.tuples(st.just("splice"), st.integers(2, 700), st.sampled_from(GOOD)),
    ),
    min_size=1,
    max_size=4,
)


def mutated(data, edits):
    data = bytearray(data)
    for kind, place, value in edits:
        at = place % max(1, len(data))
        if kind == "flip" and data:
            data[at] ^= 1 << value
        elif kind == "cut":
            del data[at : at + value]
        elif kind == "insert":
            data[at:at] = value
        elif kind == "end":
            del data[at:]
        elif kind == "splice":  # one file's head on another's tail
            data[:at] = value[:place]
    return bytes(data)


def converted(data, options):
    try:
        return store.convert(data, options)
    except Rejected as error:
        assert error.reason and error.detail
        return None


def tensorflow_reads(stored):
    return tf.io.decode_jpeg(stored, channels=3, dct_method="INTEGER_ACCURATE").numpy()


def check(data, options):
    stored = converted(data, options)
    if stored is None:
        return False
    pixels = decode.decode(stored)
    np.testing.assert_array_equal(tensorflow_reads(stored), pixels)
    assert store.stored_size(stored, options) == pixels.shape[:2]
    assert store.square(stored, options).shape == (SIZE, SIZE, 3)
    # What Pillow made of the damaged file is what is stored.
    if options.encoding == "jpeg-original":
        expected = decode.decode(data)
    else:
        expected = store.square(data, ImageOptions(SIZE, encoding="jpeg-original"))
    assert expected.shape == pixels.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 12
    return True


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(GOOD), EDITS)
def test_damaged_bytes_become_a_sound_square_or_are_rejected(data, edits):
    check(mutated(data, edits), ImageOptions(size=SIZE, subsampling="4:4:4"))


@settings(max_examples=400, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(GOOD), EDITS)
def test_a_damaged_original_decodes_alike_or_is_rejected(data, edits):
    check(mutated(data, edits), ImageOptions(size=SIZE, encoding="jpeg-original"))


@settings(max_examples=100, derandomize=True, deadline=None, database=None)
@given(st.sampled_from(GOOD), EDITS)
def test_damaged_bytes_become_raw_pixels_or_are_rejected(data, edits):
    options = ImageOptions(size=SIZE, encoding="raw")
    stored = converted(mutated(data, edits), options)
    assert stored is None or len(stored) == 3 * SIZE**2


@pytest.mark.parametrize("data", GOOD)
def test_undamaged_pictures_pass_the_same_check(data):
    for encoding in ("jpeg", "jpeg-original"):
        assert check(data, ImageOptions(size=SIZE, encoding=encoding, quality=100))
