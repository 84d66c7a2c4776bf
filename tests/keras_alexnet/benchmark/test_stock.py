import keras

from keras_alexnet import alexnet
from keras_alexnet.benchmark.stock import stock_copy
from tests import small
from tests.reference import network_bound, relative


def test_stock_copy_computes_the_same():
    model = alexnet("released", 3, seed=1, **small.NETWORK)
    stock = stock_copy(model, 0.0005)
    kinds = {type(layer) for layer in stock.layers if layer.name.startswith("conv")}
    assert kinds == {keras.layers.Conv2D}
    images = keras.random.normal((2, small.INPUT, small.INPUT, 3), 0, 60, seed=2)
    limit = 2 * network_bound("float32", small.TERMS, steps=20)
    assert relative(stock(images), model(images)) < limit
