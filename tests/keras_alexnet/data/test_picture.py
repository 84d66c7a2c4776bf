import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data.picture import (
    RESIZE_METHODS,
    central_square,
    check_pictures,
    decode_picture,
)
from tests.small import encode, picture
from tfrecords.images import decode, store
from tfrecords.images.options import ImageOptions


@pytest.mark.parametrize("filter", ["bilinear", "bicubic", "lanczos", "box"])
@pytest.mark.parametrize(
    ("shape", "resize"),
    [
        *(((90, 150), "short_side"), ((151, 88), "short_side")),
        *(((40, 53), "short_side"), ((64, 64), "short_side")),
        *(((90, 150), "warp"), ((151, 64), "warp"), ((64, 64), "warp")),
    ],
)
def test_graph_and_build_make_nearly_the_same_picture(shape, resize, filter):
    # The build stores a JPEG, of quality 100 here; its rounding is what remains.
    encoded = encode(picture(0, 1, *shape), "PNG")
    options = ImageOptions(64, 100, filter, resize, subsampling="4:4:4")
    built = decode.decode(store.convert(encoded, options)).astype("float64")
    made = decode_picture(tf.constant(encoded), 64, filter, resize=resize)
    graph = made.numpy()
    assert graph.shape == (64, 64, 3)
    assert np.abs(graph - built).mean() < 1.0
    assert np.abs(graph - built).max() <= 8


@pytest.mark.parametrize("resize", ["short_side", "warp"])
def test_a_picture_of_the_right_size_is_only_decoded(resize):
    pixels = picture(0, 1, 64, 64)
    data = tf.constant(encode(pixels, "PNG"))
    graph = decode_picture(data, 64, "bicubic", resize=resize)
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


LONG = [(3, 1001), (1001, 3), (1, 20_000), (20_000, 1), (90, 2999), (64, 1500)]


@pytest.mark.parametrize("filter", ["bilinear", "bicubic", "lanczos", "box"])
@pytest.mark.parametrize("shape", LONG)
def test_of_long_pictures_the_middle_alone_is_scaled(shape, filter, monkeypatch):
    """Memory by shapes: nothing is larger than 16 squares of either kind."""
    pixels = picture(0, 1, *shape)
    # What there was before, which scaled the whole; small enough here.
    if max(shape) < 20_000 and filter != "box":
        factor = 64 / min(shape)
        scaled = [int(np.floor(side * factor + 0.5)) for side in shape]
        method = RESIZE_METHODS[filter]
        whole = tf.image.resize(pixels, scaled, method, antialias=True).numpy()
        top, left = ((side - 64) // 2 for side in scaled)
        expected = whole[top : top + 64, left : left + 64].clip(0, 255)
    else:
        options = ImageOptions(64, filter=filter, encoding="raw")
        raw = store.convert(encode(pixels, "PNG"), options)
        expected = np.frombuffer(raw, np.uint8).reshape(64, 64, 3)
    handed = []
    own = tf.raw_ops.ScaleAndTranslate

    def watched(**arguments):
        handed.append((arguments["images"].shape, list(arguments["size"])))
        return own(**arguments)

    monkeypatch.setattr(tf.image, "resize", None)
    monkeypatch.setattr(tf.raw_ops, "ScaleAndTranslate", watched)
    found = central_square(tf.constant(pixels), 64, filter).numpy()
    ((cut, size),) = handed
    assert max(cut[1:3]) <= 16 * min(shape) + 1 and size == [64, 64]
    # Pillow rounds twice; half a pixel aside would be far more.
    assert np.abs(found - expected).max() <= 2


@pytest.mark.parametrize("filter", ["bilinear", "bicubic", "lanczos", "box"])
@pytest.mark.parametrize(
    "shape", [(90, 150), (10, 160), (10, 161), (161, 10), (64, 70)]
)
def test_pixels_of_other_pictures_are_those_of_scaling_the_whole(shape, filter):
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), np.uint8)
    shorter = min(shape)
    scaled = [(2 * side * 64 + shorter) // (2 * shorter) for side in shape]
    method = RESIZE_METHODS[filter]
    whole = tf.image.resize(pixels, scaled, method, antialias=True)
    top, left = ((side - 64) // 2 for side in scaled)
    expected = tf.round(tf.clip_by_value(whole, 0.0, 255.0))
    expected = expected[top : top + 64, left : left + 64]
    found = central_square(tf.constant(pixels), 64, filter)
    np.testing.assert_array_equal(found, expected)
