import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.inference.features import FeatureExtractor, layer_outputs
from keras_alexnet.models.layer_names import choose_layer, layer_names
from keras_alexnet.presets import PRESETS, find_preset
from tests import reference
from tests.keras_alexnet.models.conftest import (
    SIZE,
    SMALL,
    photos,
    small,
    with_random_weights,
)

TANH = {"activation": "tanh", "lrn": None}


def built(preset, **options):
    fields = {**SMALL, "input_size": SIZE, **options}
    model = with_random_weights(small(preset, **options))
    return model, find_preset(preset).replace(**fields)


def features(model, preset, names, images):
    """Features by name: the extractor is shown the numbers of images."""
    choices = [choose_layer(name, preset) for name in names]
    known = tf.constant(images)
    extractor = FeatureExtractor(
        model, choices, lambda n: tf.gather(known, tf.strings.to_number(n, tf.int32))
    )
    rows = extractor(tf.constant([str(number) for number in range(len(images))]))
    assert [row.shape for row in rows[0]] == extractor.shapes
    return {n: np.stack(a) for n, a in zip(names, zip(*rows, strict=True), strict=True)}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_layer_is_what_a_plain_sub_model_gives(preset):
    model, fields = built(preset)
    images, names = photos(6, SIZE), layer_names(fields)
    found = features(model, fields, names, images)
    layers = [layer.name for layer in model.layers]
    fused = [n for n in names if f"{n}_pre" in names]
    for name in names:
        if name in layers and not (
            preset in ("released", "one_gpu") and name == "conv1"
        ):
            plain = keras.Model(model.input, model.get_layer(name).output)
            np.testing.assert_array_equal(found[name], plain(images, training=False))
    for name in fused:
        before = found[f"{name}_pre"]
        assert before.min() < 0  # or the ReLU would do nothing
        np.testing.assert_array_equal(found[name], np.maximum(before, 0))
    softmax = keras.ops.softmax(model(images, training=False))
    np.testing.assert_array_equal(found["probabilities"], softmax)


def test_layers_before_the_activation_are_the_convolution_itself():
    model, fields = built("paper")
    images = photos(2, SIZE)
    found = features(model, fields, ["pool1", "conv2_pre", "fc6", "fc7_pre"], images)
    kernel, bias = model.get_layer("conv2").get_weights()
    pool1 = found["pool1"].astype(np.float64)
    expected = reference.tower_conv2d(pool1, kernel, 2, padding="same", bias=bias)
    bound = reference.rounding_bound("float32", 25 * 4)
    assert reference.relative(found["conv2_pre"], expected) < bound
    kernel, bias = model.get_layer("fc7").get_weights()
    # `original` dropout halves what goes on from fc6, and features stand before it.
    expected = found["fc6"].astype(np.float64) / 2 @ kernel + bias
    bound = reference.rounding_bound("float32", SMALL["units"])
    assert reference.relative(found["fc7_pre"], expected) < bound


def test_a_network_of_tanh_has_both_sides_of_it():
    model, fields = built("released", **TANH)
    names = ["conv1_pre", "conv1", "tanh1", "conv3_pre", "conv3"]
    found = features(model, fields, names, photos(2, SIZE) / 100)
    bound = reference.rounding_bound("float32")
    for name in ("conv1", "conv3"):
        expected = np.tanh(found[f"{name}_pre"].astype(np.float64))
        assert reference.relative(found[name], expected) < bound
    assert found["tanh1"].shape[1] < found["conv1"].shape[1]  # after the pool


def test_towers_are_halves_of_the_channels():
    model, fields = built("released")
    names = ["conv5", "conv5_tower1", "conv5_tower2", "fc6_pre", "fc6_pre_tower2"]
    found = features(model, fields, names, photos(2, SIZE))
    both = [found["conv5_tower1"], found["conv5_tower2"]]
    np.testing.assert_array_equal(np.concatenate(both, -1), found["conv5"])
    half = SMALL["units"] // 2
    np.testing.assert_array_equal(found["fc6_pre_tower2"], found["fc6_pre"][:, half:])


def test_bits_do_not_depend_on_how_many_pictures_there_are():
    model, fields = built("paper", units=4096)
    images, names = photos(14, SIZE), ["conv5", "fc6_pre", "fc7", "fc8"]
    whole = features(model, fields, names, images)
    for size in (1, 3, 5, 8):
        parts = [
            features(model, fields, names, images[start : start + size])
            for start in range(0, 14, size)
        ]
        for name in names:
            found = np.concatenate([part[name] for part in parts])
            np.testing.assert_array_equal(found, whole[name])


def test_a_layer_before_its_activation_shares_the_variables():
    model, fields = built("paper")
    pre = keras.Model(
        model.input, layer_outputs(model, [choose_layer("fc6_pre", fields)])
    )
    ours = {id(variable) for variable in model.variables}
    assert {id(variable) for variable in pre.variables} <= ours
    assert len(pre.trainable_variables) == 12  # six layers' kernels and biases
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(pre(photos(2, SIZE)))
    gradient = tape.gradient(total, model.get_layer("fc6").bias.value)
    np.testing.assert_array_equal(gradient, np.full(SMALL["units"], 2.0))
