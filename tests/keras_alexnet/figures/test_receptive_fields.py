import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.figures.receptive_fields import draw, middle_square, widening_layers
from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import named_preset
from tests import small
from tests.keras_alexnet.figures.conftest import texts
from tfrecords.errors import UserError

NARROW = {"filters": (2,) * 5, "units": 2}
NETWORKS = {
    "released": NARROW,
    "paper": {**NARROW, "pooling": "non_overlapping"},
    "caffe_alexnet": NARROW,
    "one_weird_trick": {**NARROW, "groups": (1,) * 5},
    "cifar-18pct": {},
    "cifar-80sec": {"input_size": 31},
}


def positive(preset):
    """The network, whose weights are such that all units of a black image are 0."""
    model = network_of(preset, 2)
    for weight in model.weights:
        weight.assign(tf.fill(weight.shape, 0.1 if "kernel" in weight.path else 0.0))
    return model


@pytest.mark.parametrize("name", NETWORKS)
def test_the_middle_unit_sees_the_corners_of_its_square(name):
    # Without normalisations over places, which pass nothing on where all is black.
    preset = named_preset(name).replace(**NETWORKS[name]).replace(lrn=None)
    model, side = positive(preset), preset.input_size
    layers = widening_layers(preset)
    assert layers[0].name == "conv1_pre" and "pool" in layers[-1].name
    for layer in layers:
        ends = [np.clip(row, 0, side - 1) for row in middle_square(layer)]
        corners = [(row, column) for row in ends for column in ends]
        # Bright at one corner alone, so that every maximum on the way sees it.
        images = np.zeros((4, side, side, 3), np.float32)
        for image, corner in zip(images, corners, strict=True):
            image[corner] = 1
        seen = _seen(model, layer, images)
        assert all(seen[n][corner] for n, corner in enumerate(corners)), layer.name


@pytest.mark.parametrize("name", NETWORKS)
def test_the_middle_unit_sees_nothing_beyond_its_square(name):
    preset = named_preset(name).replace(**NETWORKS[name])
    model, side = positive(preset), preset.input_size
    noise = np.random.default_rng(1).uniform(0, 1, (2, side, side, 3))
    for layer in widening_layers(preset):
        first, last = middle_square(layer)
        seen = _seen(model, layer, noise.astype(np.float32)).any(0)
        rows, columns = np.nonzero(seen)
        assert first <= min(rows.min(), columns.min()), layer.name
        assert last >= max(rows.max(), columns.max()), layer.name
        if layer.name == "conv1_pre":  # where no maximum hides anything
            assert seen.sum() == layer.receptive_field**2


def _seen(model, layer, images):
    """Whether the middle unit has a gradient for each pixel: `(images, side, side)`."""
    maps = model.get_layer(layer.name.removesuffix("_pre")).output
    until = keras.Model(model.input, maps)
    place = (layer.shape[0] - 1) // 2
    images = tf.constant(images)
    with tf.GradientTape() as tape:
        tape.watch(images)
        middle = tf.reduce_sum(until(images, training=False)[:, place, place])
    return tf.reduce_any(tape.gradient(middle, images) != 0, axis=-1).numpy()


def test_squares_are_drawn_to_scale_and_listed(drawn, tmp_path):
    draw(["released"], tmp_path / "out.png")
    left, right = drawn[0].axes
    layers = widening_layers(named_preset("released"))
    squares = [line.get_xydata() for line in left.lines]
    assert len(squares) == len(layers) == 9
    for square, layer in zip(squares, layers, strict=True):
        first, last = middle_square(layer)
        assert square.min(0).tolist() == [first, first]
        assert square.max(0).tolist() == [last + 1, last + 1]
    looks = {(line.get_linestyle(), line.get_color()) for line in left.lines}
    assert len(looks) == 9
    names = [text.get_text() for text in left.texts]
    assert names[::4] == ["conv1 11", "pool2 99", "pool5 227"]
    # The caption begins below the name of the axis; letters are set in whole pixels.
    top = drawn[0].texts[0].get_window_extent().y1
    assert left.get_tightbbox().y0 >= top - 2
    rows = [line.split() for line in texts(drawn[0])[-1].splitlines()]
    assert rows[1] == "conv1 55 x 55 11 4 0 108 to 118".split()
    assert rows[-1] == "pool5 6 x 6 227 32 -80 -16 to 210".split()


def test_a_network_is_drawn_as_its_preset_is(run, drawn, tmp_path):
    draw([run], tmp_path / "out.png")
    caption = drawn[0].texts[0].get_text()
    assert f"input of {small.INPUT} x {small.INPUT} pixels" in caption
    with pytest.raises(UserError, match="a preset of paper, .*; got realised"):
        draw(["realised"], tmp_path / "out.png")
