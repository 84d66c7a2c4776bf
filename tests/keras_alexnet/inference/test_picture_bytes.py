import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_alexnet.inference.picture_bytes import answer_pictures, check_picture
from tests import small
from tfrecords.errors import UserError


def encoded(seed=0):
    return small.encode(small.picture(0, seed), "PNG")


def contents(image_bytes):
    """Answer with what was handed over, each in a tuple."""
    return [(each,) for each in image_bytes.numpy().tolist()]


def test_answers_stand_in_the_order_of_the_pictures(tmp_path):
    path = tmp_path / "one.png"
    path.write_bytes(encoded(1))
    found = answer_pictures([encoded(0), str(path), b"", path], contents)
    assert found[0] == (encoded(0),) and found[1] == found[3] == (encoded(1),)
    assert found[2].startswith("empty")
    assert answer_pictures([], contents) == []
    assert answer_pictures([b"none"], contents)[0].startswith("unknown_format")


def test_one_picture_that_the_graph_refuses_fails_alone():
    seen = []

    def refusing(image_bytes):
        seen.append(len(image_bytes))
        if encoded(7) in image_bytes.numpy().tolist():
            raise tf.errors.InvalidArgumentError(None, None, "no good\nnode x")
        return contents(image_bytes)

    found = answer_pictures([encoded(1), encoded(7), encoded(2)], refusing)
    assert found == [(encoded(1),), "decode_error: no good", (encoded(2),)]
    assert seen == [3, 1, 1, 1]


def test_what_tensorflow_cannot_read_is_handed_over_as_png(tmp_path):
    path = tmp_path / "one.webp"
    Image.fromarray(small.picture(0, 1)).save(path, lossless=True)
    jpeg = small.encode(small.picture(0, 1))
    (png,), (same,) = answer_pictures([path, jpeg], contents)
    assert same == jpeg and png.startswith(b"\x89PNG")
    np.testing.assert_array_equal(tf.io.decode_png(png), small.picture(0, 1))


def test_what_is_no_picture_is_refused(tmp_path):
    check_picture(b"whatever is in it")
    check_picture(small.picture(0, 0))
    for given, said in (
        (np.zeros((4, 4, 3)), "Expected a picture as uint8"),
        (tmp_path, "got the folder"),
        (tmp_path / "missing.jpg", "found no .*missing.jpg"),
    ):
        with pytest.raises(UserError, match=said):
            check_picture(given)
