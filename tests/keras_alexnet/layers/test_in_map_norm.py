import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers import InMapResponseNormalization
from tests.keras_alexnet.layers.conftest import (
    POLICIES,
    check_keras_contract,
    forward_and_gradients,
    norm_bound,
    reload,
)
from tests.reference import in_map_norm, in_map_norm_gradient, relative

RELEASED = (5, 1.0, 4e-5, 0.75)  # size, bias, alpha, beta: spec 2.3
SHAPE = (2, 7, 6, 3)


def normal(seed, shape=SHAPE, scale=1.0):
    values = np.random.default_rng(seed).normal(size=shape) * scale
    return values.astype(np.float32)


@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
@pytest.mark.parametrize("constants", [RELEASED, (3, 2.0, 1e-3, 0.5), (1, 1.0, 0.1, 1)])
def test_forward_and_gradient_are_those_of_the_formula(constants, scale):
    x, upstream = normal(1, scale=scale), normal(2)
    layer = InMapResponseNormalization(*constants)
    y, gradient = forward_and_gradients(layer, x, upstream)
    limit = norm_bound("float32", constants[0] ** 2)
    assert relative(y, in_map_norm(x, *constants)) < limit
    assert relative(gradient, in_map_norm_gradient(x, upstream, *constants)) < limit


def test_the_defaults_are_those_of_the_release():
    x = normal(3, scale=300)
    y = InMapResponseNormalization()(x)
    expected = in_map_norm(x, 5, 1.0, 0.001 / 25, 0.75)
    assert relative(y, expected) < norm_bound("float32", 25)


def test_the_window_is_clipped_at_the_border():
    layer = InMapResponseNormalization(5, 1.0, 0.5, 0.75)
    y = layer(np.full((1, 7, 6, 1), 2.0, np.float32)).numpy()[0, :, :, 0]
    rows, columns = [3, 4, 5, 5, 5, 4, 3], [3, 4, 5, 5, 4, 3]
    pixels = np.outer(rows, columns)
    expected = 2 / (1 + 0.5 * 4 * pixels) ** 0.75
    np.testing.assert_allclose(y, expected, rtol=norm_bound("float32", 25))


def test_a_window_larger_than_the_map_sees_all_of_it():
    x = normal(4, (1, 2, 3, 2))
    total = np.sum(x.astype(np.float64) ** 2, (1, 2), keepdims=True)
    y = InMapResponseNormalization(9, 1.0, 1.0, 1.0)(x)
    assert relative(y, x / (1 + total)) < norm_bound("float32", 81)


def test_a_map_does_not_see_the_others():
    layer = InMapResponseNormalization()
    x, upstream = normal(5, scale=100), normal(6)
    other = x.copy()
    other[..., 1] *= 3
    first = forward_and_gradients(layer, x, upstream)
    second = forward_and_gradients(layer, other, upstream)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one[..., [0, 2]], two[..., [0, 2]])
        assert (one[..., 1] != two[..., 1]).all()


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_precision_is_the_exact_result_rounded(policy, jit_compile):
    # Squares of these overflow float16.
    layer = InMapResponseNormalization(dtype=policy)
    x = normal(7, scale=1000)
    kept = tf.cast(tf.cast(x, layer.compute_dtype), tf.float32).numpy()
    upstream = np.sign(normal(8))
    y, gradient = forward_and_gradients(layer, x, upstream, jit_compile)
    assert relative(y, in_map_norm(kept, *RELEASED)) < norm_bound(policy, 25)
    expected = in_map_norm_gradient(kept, upstream, *RELEASED)
    assert relative(gradient, expected) < norm_bound(policy, 25)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_output_has_the_computing_type(policy):
    layer = InMapResponseNormalization(dtype=policy)
    assert layer(normal(9)).dtype == layer.compute_dtype


def test_a_saved_layer_comes_back_the_same(tmp_path):
    x = normal(10, scale=100)
    layer = InMapResponseNormalization(3, 2.0, 1e-3, 0.6, name="in_map2")
    model, again = reload(layer, x, tmp_path)
    assert again.get_layer("in_map2").get_config() == layer.get_config()
    np.testing.assert_array_equal(again(x), model(x))


def test_its_configuration_holds_every_argument():
    arguments = {"size": 3, "bias": 2.0, "alpha": 1e-3, "beta": 0.6}
    config = InMapResponseNormalization(**arguments).get_config()
    assert arguments.items() <= config.items()


@pytest.mark.parametrize(
    "bad", [{"size": 4}, {"size": 0}, {"size": -3}, {"bias": -1}, {"beta": 0}]
)
def test_bad_constants_are_refused_by_name(bad):
    (name, value), *_ = bad.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        InMapResponseNormalization(**bad)


def test_it_does_what_keras_asks_of_a_layer():
    pictures = (2, 7, 7, 4)
    check_keras_contract(InMapResponseNormalization, {"size": 3}, pictures, pictures)
