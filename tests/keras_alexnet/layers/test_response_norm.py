import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers.response_norm import (
    ResponseNormalization,
    response_normalize,
)
from tests.keras_alexnet.layers.conftest import norm_bound
from tests.reference import relative

CONSTANTS = {"bias": 2.0, "alpha": 0.3, "beta": 0.75}


def whole_sum(x, factor):
    """A window that holds all of an example."""
    return factor * tf.reduce_sum(x, axis=-1, keepdims=True)


def values(seed, shape=(3, 8), dtype="float32"):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0, 0.6])
def test_any_window_and_exponent_have_the_formula_and_its_gradient(beta):
    x, upstream = values(1), values(2)
    constants = {**CONSTANTS, "beta": beta}
    inputs = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        y = response_normalize(inputs, whole_sum, **constants)
        total = tf.reduce_sum(y * upstream)
    wide = x.astype(np.float64)
    scale = 2.0 + 0.3 * np.sum(wide**2, axis=-1, keepdims=True)
    expected = wide / scale**beta
    spread = np.sum(upstream * wide / scale ** (beta + 1), axis=-1, keepdims=True)
    slope = upstream / scale**beta - 2 * 0.3 * beta * wide * spread
    assert relative(y, expected) < norm_bound("float32", 8)
    assert relative(tape.gradient(total, inputs), slope) < norm_bound("float32", 8)


def test_narrow_types_are_computed_in_float32():
    # Squares of these overflow float16.
    x = tf.cast(values(3) * 1000, "float16")
    y = response_normalize(x, whole_sum, **CONSTANTS)
    wide = response_normalize(tf.cast(x, "float32"), whole_sum, **CONSTANTS)
    assert y.dtype == tf.float16
    np.testing.assert_array_equal(y, tf.cast(wide, "float16"))


def test_float64_stays_so():
    y = response_normalize(
        tf.constant(values(4, dtype="float64")), whole_sum, **CONSTANTS
    )
    assert y.dtype == tf.float64


@pytest.mark.parametrize(
    "bad", [{"bias": 0}, {"alpha": -1e-4}, {"beta": 0}, {"alpha": float("inf")}]
)
def test_constants_that_can_divide_by_zero_are_refused(bad):
    (name, value), *_ = bad.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        ResponseNormalization(**{**CONSTANTS, **bad})


def test_the_constants_are_in_the_configuration():
    config = ResponseNormalization(**CONSTANTS).get_config()
    assert CONSTANTS.items() <= config.items()
