import keras
import numpy as np
import pytest

from keras_alexnet.export.onnx_graph import onnx_graph
from keras_alexnet.layers import GroupedConv2D, LocallyConnected2D
from keras_alexnet.layers.lenet import GreyLevels, PartialConv2D, Subsampling
from tests import reference
from tests.keras_alexnet.export.test_onnx_layers import (
    assert_same,
    kinds,
    maps,
    network,
)
from tests.reference import rounding_bound


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    "layer",
    [
        lambda p: GroupedConv2D(6, (3, 2), padding=p, groups=2, activation="relu"),
        lambda p: GroupedConv2D(4, 3, 2, p, use_bias=False),
        lambda p: GroupedConv2D(6, 4, (3, 2), p, groups=3),
        lambda p: keras.layers.Conv2D(4, 3, 1, p, dilation_rate=2),
        lambda p: PartialConv2D(16, 3, padding=p),
        lambda p: LocallyConnected2D(4, 3, p, activation="relu"),
        lambda p: LocallyConnected2D(5, (2, 4), p, activation="tanh"),
        lambda p: LocallyConnected2D(1, 1, p, use_bias=False),
    ],
)
def test_kernels_lie_where_they_do_in_keras(layer, padding):
    assert_same(network(layer(padding)), maps() - 3, rounding_bound("float32", 9 * 6))


@pytest.mark.parametrize("more", [[], [keras.layers.AveragePooling2D(3)]])
def test_subsampling_is_that_of_keras(more):
    model = network(Subsampling(), *more, shape=(6, 8, 5))
    assert_same(model, maps((6, 8, 5)), rounding_bound("float32", 4, steps=8))


def test_grey_levels_are_one_convolution():
    colours = np.random.default_rng(3).integers(0, 256, (3, 5, 4, 3)).astype("float32")
    model = network(GreyLevels(), shape=(5, 4, 3))
    assert kinds(model) == ["Conv", "Transpose", "Flatten", "Softmax"]
    assert_same(model, colours, rounding_bound("float32", 4))


def test_zeros_are_the_convolutions_own_or_stand_alone():
    for layer, expected in (
        (GroupedConv2D(4, 3, padding="same"), ["Conv"]),
        (keras.layers.MaxPooling2D(2), ["Pad", "MaxPool"]),
    ):
        model = network(keras.layers.ZeroPadding2D(((0, 3), (2, 1))), layer)
        assert kinds(model) == [*expected, "Transpose", "Flatten", "Softmax"]
        assert_same(model, maps() - 3, rounding_bound("float32", 9 * 6))
    model = network(keras.layers.ZeroPadding2D(((0, 3), (2, 1))), GroupedConv2D(4, 3))
    attributes = onnx_graph(model).graph.node[0].attribute
    (pads,) = (each.ints for each in attributes if each.name == "pads")
    assert [*pads] == [0, 2, 3, 1]  # top, left, bottom, right


@pytest.mark.parametrize("padding, zeros", [("same", ["Pad"]), ("valid", [])])
def test_an_unshared_convolution_is_one_product_of_slices(padding, zeros):
    joined = ["Slice", "Slice", "Concat", "MatMul", "Add"]
    own = ["Transpose", *zeros, *joined, "Transpose"]
    found = kinds(network(LocallyConnected2D(4, (2, 1), padding)))
    assert found == [*own, "Transpose", "Flatten", "Softmax"]


def test_local_layers_follow_each_other_and_a_dense_one_follows_them():
    padded = keras.layers.ZeroPadding2D(((0, 3), (2, 1)))
    local3 = LocallyConnected2D(8, 3, "same", activation="relu")
    local4 = LocallyConnected2D(3, 3, "same", activation="relu")
    dense = keras.layers.Dense(5)
    model = network(padded, local3, local4, keras.layers.Flatten(), dense)
    bound = reference.network_bound("float32", (9 * 6 + 1, 9 * 8 + 1, 10 * 13 * 3))
    assert_same(model, maps(), bound)
