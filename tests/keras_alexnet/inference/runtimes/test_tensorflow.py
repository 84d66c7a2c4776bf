import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import PRESETS, alexnet, load
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.inference.runtimes.tensorflow import open_network
from tests import small
from tests.keras_alexnet.models.test_network import SIZE, SMALL, photos
from tfrecords import DatasetError


@pytest.mark.bfloat16
@pytest.mark.parametrize("preset", PRESETS)
def test_narrow_weights_are_those_that_a_narrow_network_would_have(preset):
    model = alexnet(preset, 7, SIZE, seed=0, dtype="float32", **SMALL)
    narrow = alexnet(preset, 7, SIZE, seed=1, dtype="bfloat16", **SMALL)
    narrow.set_weights(model.get_weights())
    images = photos(3, SIZE)
    expected = tf.nn.softmax(narrow(images, training=False))
    found = open_network(model, precision="mixed_bfloat16")(images)
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.float32
    assert model.get_layer("conv1").kernel.dtype == "float32"  # as it was


def test_no_images_give_no_rows_and_a_scalar_is_refused(run, exported):
    for folder in (run, exported):
        network = load(folder)
        side = small.INPUT
        assert network.probabilities(np.zeros((0, side, side, 3))).shape == (0, 3)
        assert network.classifier()(tf.zeros((0,), tf.string)).shape == (0, 3)
        with pytest.raises((TypeError, tf.errors.InvalidArgumentError)):
            network.classifier()(tf.constant(b"picture"))


def test_views_are_averaged_as_in_the_network_of_keras(run, exported):
    images = keras.random.uniform((2, 10, small.INPUT, small.INPUT, 3), -99, 99, seed=1)
    expected, found = (load(each).probabilities(images) for each in (run, exported))
    np.testing.assert_allclose(found, expected, atol=small.probability_bound())


def test_a_precision_that_no_runtime_knows_is_refused(run):
    with pytest.raises(ValueError, match="float32, mixed_bfloat16.*'mixed_float16'"):
        load(run, precision="mixed_float16")


@pytest.mark.bfloat16
def test_bfloat16_is_near_float32(run, dataset):
    pictures = [small.encode(small.picture(n % 3, n, 70 + n, 120)) for n in range(5)]
    narrow = load(run, precision="mixed_bfloat16")
    exact, rounded = (each.predict(pictures) for each in (load(run), narrow))
    for a, b in zip(exact, rounded, strict=True):
        by_class = dict(zip(b.classes, b.scores, strict=True))
        scores = [by_class[c] for c in a.classes]
        limit = small.probability_bound("bfloat16") / 2  # one of the two rounds
        np.testing.assert_allclose(a.scores, scores, atol=limit)
    assert [p.scores for p in exact] != [p.scores for p in rounded]
    found = evaluate([narrow], dataset, views=1)
    assert found.summary()["precision"] == "mixed_bfloat16"


def test_an_export_is_run_in_its_own_precision(exported):
    with pytest.raises(DatasetError, match="mixed_bfloat16.*--runtime openvino"):
        load(exported, precision="mixed_bfloat16")
