import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_alexnet.layers import Dense
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from keras_alexnet.processor import refuses_bfloat16
from tests.keras_alexnet.layers.conftest import (
    POLICIES,
    check_keras_contract,
    forward_and_gradients,
)
from tests.reference import relative, rounding_bound

SHAPE, UNITS = (5, 7), 3


def made(**options):
    layer = Dense(UNITS, bias_initializer="normal", **options)
    layer.build(SHAPE)
    return layer


def drawn(shape, seed):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@pytest.mark.parametrize("activation", [None, "relu"])
@pytest.mark.parametrize("jit_compile", [None, False, True])
def test_values_and_gradients_are_those_of_the_formula(activation, jit_compile):
    layer = made(activation=activation)
    x, upstream = drawn(SHAPE, 0), drawn((SHAPE[0], UNITS), 1)
    kernel, bias = (weight.astype("float64") for weight in layer.get_weights())
    y = x.astype("float64") @ kernel + bias
    passed = upstream.astype("float64") * ((y > 0) if activation else 1)
    expected = [
        np.maximum(y, 0) if activation else y,
        passed @ kernel.T,
        x.T @ passed,
        passed.sum(0),
    ]
    found = forward_and_gradients(layer, x, upstream, jit_compile)
    for got, want in zip(found, expected, strict=True):
        assert relative(got, want) < rounding_bound("float32", max(SHAPE) + 1)


def test_the_kernel_is_multiplied_as_it_lies_on_cpus_alone():
    layer = made(activation="relu")

    def turned(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x)
        return tape.gradient(y, x)

    def kernels_turned():
        # A new function: one is not traced again for other forms.
        graph = tf.function(lambda x: turned(x)).get_concrete_function(tf.ones(SHAPE))
        products = [
            operation
            for operation in graph.graph.get_operations()
            if operation.type == "MatMul"
        ]
        return [
            operation.get_attr("transpose_b")
            for operation in products
            if operation.inputs[1].shape == (SHAPE[1], UNITS)
        ]

    with tf.device("CPU:0"):
        assert kernels_turned() == [False]  # forward; back it stands on the left
    with use_forms(NATIVE):
        assert kernels_turned() == [False, True]


@pytest.mark.parametrize(
    "options", [{"activation": "tanh"}, {"use_bias": False}, {"dtype": "float64"}]
)
def test_what_it_does_not_do_itself_is_as_in_keras(options):
    own, theirs = Dense(UNITS, **options), layers.Dense(UNITS, **options)
    for layer in (own, theirs):
        layer.build(SHAPE)
    theirs.set_weights(own.get_weights())
    x = tf.constant(drawn(SHAPE, 0), theirs.compute_dtype)
    np.testing.assert_array_equal(own(x), theirs(x))
    rows = tf.reshape(x, (1, *SHAPE))
    np.testing.assert_array_equal(own(rows), theirs(rows))


@pytest.mark.parametrize("policy", POLICIES)
def test_keras_contract(policy):
    if policy == "mixed_bfloat16" and refuses_bfloat16():
        pytest.skip("TensorFlow ends the process over any product in bfloat16")
    options = {"units": UNITS, "dtype": policy}
    check_keras_contract(Dense, options, SHAPE, (SHAPE[0], UNITS))
