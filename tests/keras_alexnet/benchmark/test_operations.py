import keras
import pytest

from keras_alexnet import alexnet
from keras_alexnet.benchmark.operations import (
    forward_macs,
    median_ratio,
    step_operations,
)
from keras_alexnet.benchmark.stock import stock_copy
from tests import small
from tests.reference import network_bound, relative


def test_operations_are_those_of_the_layer_table():
    model = alexnet("released")
    macs = forward_macs(model)
    assert macs["conv1"] == 105_415_200
    assert macs["conv2"] == 223_948_800
    assert macs["fc6"] == 37_748_736
    assert sum(macs.values()) == 724_406_816
    assert step_operations(model) == 2 * (3 * 724_406_816 - 105_415_200)


def test_stock_copy_computes_the_same():
    model = alexnet("released", 3, seed=1, **small.NETWORK)
    stock = stock_copy(model, 0.0005)
    kinds = {type(layer) for layer in stock.layers if layer.name.startswith("conv")}
    assert kinds == {keras.layers.Conv2D}
    images = keras.random.normal((2, small.INPUT, small.INPUT, 3), 0, 60, seed=2)
    limit = 2 * network_bound("float32", small.TERMS, steps=20)
    assert relative(stock(images), model(images)) < limit


def test_ratio_is_of_neighbours():
    assert median_ratio([2.0, 30.0, 8.0], [1.0, 10.0, 2.0]) == pytest.approx(3.0)
