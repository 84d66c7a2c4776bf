import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers import GroupedConv2D, LocalResponseNormalization
from keras_alexnet.layers.native_kernels import native_kernels, wants_native_kernels
from tests.keras_alexnet.layers.conftest import whole_numbers
from tests.reference import relative, rounding_bound

SHAPE = (2, 9, 9, 12)
LAYERS = {
    "convolution": (lambda: GroupedConv2D(8, 3, groups=2, activation="relu"), "Conv2D"),
    "norm": (lambda: LocalResponseNormalization(groups=2, alpha=0.1), "LRN"),
}


def kinds(layer, inputs):
    graph = tf.function(layer).get_concrete_function(inputs).graph
    return [operation.type for operation in graph.get_operations()]


@pytest.mark.parametrize("name", LAYERS)
def test_each_layer_is_one_operation_with_the_same_result(name):
    make, operation = LAYERS[name]
    inputs = tf.constant(np.random.default_rng(0).normal(size=SHAPE), tf.float32)
    layer = make()
    expected = layer(inputs)
    usual = kinds(layer, inputs)
    with native_kernels():
        got = layer(inputs)
        native = kinds(layer, inputs)
    # Both round; the longest sum is of 3 x 3 pixels of 6 maps, a norm has more steps.
    assert relative(got, expected) < 2 * rounding_bound("float32", 54, steps=20)
    assert native.count(operation) == 1
    assert "Split" not in native and "MatMul" not in native
    assert usual.count(operation) != 1


def test_it_ends_with_its_block_even_after_an_error():
    before = wants_native_kernels()
    with pytest.raises(KeyError), native_kernels():
        assert wants_native_kernels()
        raise KeyError
    assert wants_native_kernels() == before
    assert before == bool(tf.config.list_physical_devices("GPU"))


def test_dilation_with_native_kernels_is_the_same():
    x = tf.constant(whole_numbers((2, 9, 9, 4), 1))
    layer = GroupedConv2D(4, 3, dilation_rate=2, groups=2, padding="same")
    split = layer(x)
    with native_kernels():
        native = layer(x)
    assert relative(native, split) < 2 * rounding_bound("float32", 9 * 2)
