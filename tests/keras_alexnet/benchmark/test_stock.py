import keras
import numpy as np
import pytest

from keras_alexnet import alexnet
from keras_alexnet.benchmark.stock import stock_copy, stock_network
from tests import small
from tests.reference import network_bound, relative


@pytest.mark.parametrize("preset", ["released", "paper"])
def test_stock_copy_computes_the_same(preset):
    model = alexnet(preset, 3, seed=1, **small.NETWORK)
    stock = stock_copy(model, 0.0005)
    kinds = {type(layer) for layer in stock.layers if layer.name.startswith("conv")}
    assert kinds == {keras.layers.Conv2D}
    images = keras.random.normal((2, small.INPUT, small.INPUT, 3), 0, 60, seed=2)
    limit = 2 * network_bound("float32", small.TERMS, steps=20)
    assert relative(stock(images), model(images)) < limit


def test_stock_keras_has_the_recipe_of_ours():
    stock = stock_network(small.preset(learning_rate=0.002, momentum=0.8), 3)
    assert stock.optimizer.learning_rate == np.float32(0.002)
    assert stock.optimizer.momentum == 0.8
    assert stock.get_layer("fc6").kernel_regularizer.l2 == np.float32(0.0005 / 2)
