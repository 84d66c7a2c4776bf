import keras
import numpy as np
import pytest

from keras_alexnet.export.onnx_graph import onnx_graph
from keras_alexnet.layers import (
    InMapResponseNormalization,
    InvertedDropout,
    LocalResponseNormalization,
    OriginalDropout,
)
from keras_alexnet.layers.lenet import EuclideanOutput
from tests import reference
from tests.keras_alexnet.export.test_onnx_graph import answers
from tests.reference import relative, rounding_bound

SHAPE = (7, 10, 6)  # odd and even sides: all zeros that "same" may add


def maps(shape=SHAPE, batch=3, scale=1.0):
    generator = np.random.default_rng(7)
    return (generator.normal(size=(batch, *shape)) * scale).astype(np.float32)


def network(*layers, shape=SHAPE):
    """Return layers as a network of random weights whose logits are what they give."""
    x = images = keras.Input(shape, name="images")
    for layer in layers:
        x = layer(x)
    if len(x.shape) == 4:
        x = keras.layers.Flatten()(x)
    model = keras.Model(images, x)
    generator = np.random.default_rng(8)
    for weight in model.trainable_weights:
        weight.assign(generator.normal(size=weight.shape) * 0.3)
    return model


def assert_same(model, x, bound):
    """Compare the logits with those of Keras, and return them."""
    expected = model(x, training=False).numpy()
    _, found = answers(onnx_graph(model), x)
    assert relative(found, expected) < bound
    return found


def kinds(model):
    return [node.op_type for node in onnx_graph(model).graph.node]


def answer(layer, x):
    """Return what ONNX Runtime makes of maps, in their order in Keras."""
    _, found = answers(onnx_graph(network(layer, shape=x.shape[1:])), x)
    return found.reshape(x.shape)


@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize(
    "radius, bias, alpha, beta",
    [
        (2, 2.0, 1e-2, 0.75),
        (1, 1, 0.3, 1),
        (2**31 - 1, 2, 1e-2, 0.5),
        (2, 3.0, 0, 0.75),
    ],
)
def test_normalisation_across_channels_is_that_of_the_paper(
    radius, bias, alpha, beta, groups
):
    x = maps((3, 4, 12), scale=3)
    layer = LocalResponseNormalization(radius, bias, alpha, beta, groups)
    expected = reference.lrn(x, radius, bias, alpha, beta, groups)
    # ONNX Runtime adds a channel to its sum and takes one off, along all of them, so
    # that what a large sum has lost is missing from the small ones behind it.
    largest = 1 + alpha / bias * min(2 * radius + 1, 12) * np.square(x).max()
    bound = largest * rounding_bound("float32", 12 * 2, steps=12)
    assert relative(answer(layer, x), expected) < min(bound, 1e-4)


@pytest.mark.parametrize("size", [1, 3, 5, 11])
@pytest.mark.parametrize("bias, alpha, beta", [(1, 0.02, 0.75), (2.0, 0.1, 0.6)])
def test_normalisation_in_a_map_is_right_at_its_border(size, bias, alpha, beta):
    x = maps((4, 6, 3), scale=10)
    layer = InMapResponseNormalization(size, bias, alpha, beta)
    expected = reference.in_map_norm(x, size, bias, alpha, beta)
    bound = rounding_bound("float32", size**2, steps=12)
    found = answer(layer, x)
    assert relative(found, expected) < bound
    corner = np.s_[:, 0, 0]
    np.testing.assert_allclose(found[corner], expected[corner], rtol=bound)


def pooled(kind, size, stride, padding):
    return kind(size, stride, padding, data_format="channels_last")


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda p: pooled(keras.layers.MaxPooling2D, 3, 2, p),
        lambda p: pooled(keras.layers.MaxPooling2D, (2, 3), (2, 1), p),
        lambda p: pooled(keras.layers.AveragePooling2D, 3, 2, p),
        lambda p: pooled(keras.layers.AveragePooling2D, 2, 2, p),
    ],
)
def test_pools_lie_where_they_do_in_keras(layer, padding):
    model = network(layer(padding))
    x = maps() - 3  # the largest is below the zeros around
    assert_same(model, x, rounding_bound("float32", 9 * 6))


@pytest.mark.parametrize(
    "layers",
    [
        [keras.layers.AveragePooling2D(3)],
        [keras.layers.Flatten(), keras.layers.Dense(84), EuclideanOutput()],
        [keras.layers.Activation("linear")],
        [keras.layers.Activation("tanh"), keras.layers.Dropout(0.4)],
    ],
)
def test_other_layers_are_those_of_keras(layers):
    model = network(*layers, shape=(6, 8, 5))
    assert_same(model, maps((6, 8, 5)), rounding_bound("float32", 240 + 84, steps=8))


@pytest.mark.parametrize("before", [True, False])
def test_dropout_is_part_of_the_kernel_that_follows_or_stands_alone(before):
    def with_dropout(drop):
        flat, dense = keras.layers.Flatten(), keras.layers.Dense(4, use_bias=False)
        return network(*([flat, drop, dense] if before else [flat, dense, drop]))

    bound = rounding_bound("float32", np.prod(SHAPE))
    model = with_dropout(OriginalDropout(0.3))
    alone = [] if before else ["Mul"]
    assert kinds(model) == ["Flatten", "Gemm", *alone, "Softmax"]
    expected = assert_same(model, maps(), bound)
    inverted = with_dropout(InvertedDropout(0.3))
    assert kinds(inverted) == ["Flatten", "Gemm", "Softmax"]
    assert relative(0.7 * assert_same(inverted, maps(), bound), expected) < bound
