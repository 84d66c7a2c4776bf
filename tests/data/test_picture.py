import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data.picture import check_pictures, decode_picture
from tests.small import encode, picture
from tfrecords import images


@pytest.mark.parametrize("filter", ["bilinear", "bicubic", "lanczos", "box"])
@pytest.mark.parametrize("shape", [(90, 150), (151, 88), (40, 53), (64, 64)])
def test_graph_and_build_make_nearly_the_same_picture(shape, filter):
    # The build stores a JPEG, of quality 100 here; its rounding is what remains.
    encoded = encode(picture(0, 1, *shape), "PNG")
    options = images.ImageOptions(64, 100, filter, subsampling="4:4:4")
    built = images.decode(images.convert(encoded, options)).astype("float64")
    graph = decode_picture(tf.constant(encoded), 64, filter).numpy()
    assert graph.shape == (64, 64, 3)
    assert np.abs(graph - built).mean() < 1.0
    assert np.abs(graph - built).max() <= 8


def test_a_picture_of_the_right_size_is_only_decoded():
    pixels = picture(0, 1, 64, 64)
    graph = decode_picture(tf.constant(encode(pixels, "PNG")), 64, "bicubic")
    np.testing.assert_array_equal(graph, pixels)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP"])
def test_grey_pictures_get_three_channels(kind):
    encoded = encode(picture(0, 1)[..., 0], kind)
    if kind == "BMP":
        encoded = encode(np.stack([picture(0, 1)[..., 0]] * 3, axis=-1), kind)
    graph = decode_picture(tf.constant(encoded), 32, "bicubic").numpy()
    np.testing.assert_array_equal(graph[..., 0], graph[..., 1])
    np.testing.assert_array_equal(graph[..., 0], graph[..., 2])


def test_values_stay_whole_numbers_from_0_to_255():
    checkers = np.kron(np.indices((9, 9)).sum(0) % 2, np.ones((5, 5))).astype("uint8")
    encoded = encode(np.stack([checkers * 255] * 3, axis=-1), "PNG")
    graph = decode_picture(tf.constant(encoded), 64, "bicubic").numpy()
    assert graph.min() >= 0 and graph.max() <= 255
    np.testing.assert_array_equal(graph, np.round(graph))


def test_other_bytes_are_named_by_their_place():
    @tf.function
    def checked(batch):
        with tf.control_dependencies([check_pictures(batch)]):
            return tf.size(batch)

    good = encode(picture(0, 1))
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"\[1 3\]"):
        checked(tf.constant([good, b"", good, b"%PDF-1.7"]))
    assert checked(tf.constant([good, encode(picture(0, 1), "PNG")])) == 2


def test_truncated_jpeg_is_an_error():
    encoded = encode(picture(0, 1))
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_picture(tf.constant(encoded[: len(encoded) // 2]), 64, "bicubic")
