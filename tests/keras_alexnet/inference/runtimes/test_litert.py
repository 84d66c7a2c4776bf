import sys

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.inference.runtimes import RUNTIMES
from keras_alexnet.inference.runtimes import litert as runtime
from keras_alexnet.inference.runtimes.litert import open_network
from tests.reference import rounding_bound
from tfrecords.errors import UserError

SIDE = 4
WEIGHTS = np.random.default_rng(3).normal(0, 0.1, (SIDE * SIDE * 3, 5))
TERMS = len(WEIGHTS) + 8  # of a logit, and what softmax rounds


def write(path, output="logits"):
    """Write a network of one product."""
    weights = tf.constant(WEIGHTS, tf.float32)
    spec = tf.TensorSpec((None, SIDE, SIDE, 3), tf.float32, "images")

    @tf.function(input_signature=[spec])
    def answer(images):
        flat = tf.reshape(images, (-1, len(WEIGHTS)))
        return {output: flat @ weights, "probabilities": flat}

    folder = str(path.with_suffix(".saved"))
    tf.saved_model.save(tf.Module(), folder, {"serving_default": answer})
    path.write_bytes(tf.lite.TFLiteConverter.from_saved_model(folder).convert())
    return path


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return write(tmp_path_factory.mktemp("litert") / "network.tflite")


def images(*shape):
    generator = np.random.default_rng(4)
    return generator.normal(0, 1, (*shape, SIDE, SIDE, 3)).astype(np.float32)


def softmax(given):
    logits = given.reshape(*given.shape[:-3], len(WEIGHTS)).astype(np.float64) @ WEIGHTS
    powers = np.exp(logits)
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize("batch", [1, 33, 2, 0])
def test_probabilities_of_any_batch(file, monkeypatch, batch):
    monkeypatch.setattr(runtime, "IMAGES_AT_ONCE", 32)
    network = RUNTIMES["litert"](file)
    found = network(images(batch))
    assert found.shape == (batch, 5) and found.dtype == np.float32
    limit = rounding_bound("float32", TERMS) * np.abs(WEIGHTS).sum(axis=0).max() * 4
    np.testing.assert_allclose(found, softmax(images(batch)), atol=limit)


def test_views_are_averaged_as_probabilities(file):
    network, given = open_network(file), images(3, 10)
    limit = rounding_bound("float32", TERMS) * np.abs(WEIGHTS).sum(axis=0).max() * 4
    expected = softmax(given).mean(axis=1)
    np.testing.assert_allclose(network(given), expected, atol=limit)
    assert network(images(0, 10)).shape == (0, 5)


def test_what_is_no_file_of_ours_is_named(file, tmp_path):
    damaged = tmp_path / "network.tflite"
    damaged.write_bytes(file.read_bytes()[:40])
    for path in (damaged, tmp_path / "none.tflite", write(tmp_path / "x", "other")):
        with pytest.raises(UserError, match=f"in {path}, found: "):
            open_network(path)
    with pytest.raises(UserError, match="for --runtime litert, got a Sequential"):
        open_network(tf.keras.Sequential())
    with pytest.raises(UserError, match="float32 for a LiteRT file, got mixed_b"):
        open_network(file, precision="mixed_bfloat16")


def test_a_missing_package_says_which_extra_brings_it(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "ai_edge_litert.interpreter", None)
    with pytest.raises(UserError, match=r"pip install 'keras-alexnet\[litert\]'"):
        open_network(file)
