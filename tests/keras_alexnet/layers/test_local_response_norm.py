import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers import LocalResponseNormalization
from tests.keras_alexnet.layers.conftest import (
    POLICIES,
    check_keras_contract,
    forward_and_gradients,
    norm_bound,
    reload,
)
from tests.reference import lrn, lrn_gradient, relative, rounding_bound

# depth_radius, bias, alpha, beta: spec 2.2.
CONSTANTS = {
    "paper": (2, 2.0, 1e-4, 0.75),
    "released": (2, 2.0, 2e-5, 0.75),
    "caffe": (2, 1.0, 2e-5, 0.75),
    "cifar_11pct": (4, 1.0, 1e-3 / 9, 0.75),
}
SHAPE = (2, 3, 5, 24)


def normal(seed, shape=SHAPE, scale=1.0):
    values = np.random.default_rng(seed).normal(size=shape) * scale
    return values.astype(np.float32)


def every_magnitude(seed, shape=SHAPE):
    """Both signs, from 0.001 to 10,000."""
    generator = np.random.default_rng(seed)
    sizes = 10 ** generator.uniform(-3, 4, shape)
    return (sizes * generator.choice([-1, 1], shape)).astype(np.float32)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("constants", CONSTANTS.values(), ids=CONSTANTS)
@pytest.mark.parametrize("scale", [1.0, 100.0, 1e4])
def test_forward_and_gradient_are_those_of_the_formula(constants, groups, scale):
    x, upstream = normal(1, scale=scale), normal(2)
    layer = LocalResponseNormalization(*constants, groups=groups)
    y, gradient = forward_and_gradients(layer, x, upstream)
    limit = norm_bound("float32", 2 * constants[0] + 1)
    assert relative(y, lrn(x, *constants, groups)) < limit
    expected = lrn_gradient(x, upstream, *constants, groups)
    assert relative(gradient, expected) < limit


@pytest.mark.parametrize("constants", CONSTANTS.values(), ids=CONSTANTS)
def test_each_output_is_exact_whatever_the_magnitudes_around_it(constants):
    x = every_magnitude(3)
    y = LocalResponseNormalization(*constants, groups=2)(x).numpy()
    limit = norm_bound("float32", 2 * constants[0] + 1)
    np.testing.assert_allclose(y, lrn(x, *constants, groups=2), rtol=limit)


@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0, 0.6])
def test_any_exponent(beta):
    x, upstream = normal(4, scale=50), normal(5)
    layer = LocalResponseNormalization(1, 1.5, 1e-3, beta)
    y, gradient = forward_and_gradients(layer, x, upstream)
    limit = norm_bound("float32", 3)
    assert relative(y, lrn(x, 1, 1.5, 1e-3, beta)) < limit
    assert relative(gradient, lrn_gradient(x, upstream, 1, 1.5, 1e-3, beta)) < limit


@pytest.mark.parametrize(
    ("groups", "terms"),
    [
        (1, [3, 4, 5, 5, 5, 5, 5, 5, 4, 3]),
        (2, [3, 4, 5, 4, 3, 3, 4, 5, 4, 3]),
        (5, [2] * 10),
    ],
)
def test_the_window_is_clipped_at_the_ends_and_at_the_seam(groups, terms):
    layer = LocalResponseNormalization(2, 2.0, 0.5, 0.75, groups=groups)
    y = layer(np.full((1, 1, 1, 10), 3.0, np.float32)).numpy()
    expected = [3 / (2 + 0.5 * 9 * n) ** 0.75 for n in terms]
    np.testing.assert_allclose(y[0, 0, 0], expected, rtol=norm_bound("float32", 5))


def test_a_tower_does_not_see_the_other():
    layer = LocalResponseNormalization(groups=2)
    x, upstream = normal(6, scale=100), normal(7)
    other = x.copy()
    other[..., 12:] *= 3
    first = forward_and_gradients(layer, x, upstream)
    second = forward_and_gradients(layer, other, upstream)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one[..., :12], two[..., :12])
        assert (one[..., 12:] != two[..., 12:]).all()


def test_without_groups_only_the_four_channels_at_the_seam_differ():
    x = normal(8, (2, 3, 3, 96), 100)
    together = LocalResponseNormalization()(x).numpy()
    apart = LocalResponseNormalization(groups=2)(x).numpy()
    differing = np.flatnonzero((together != apart).any((0, 1, 2)))
    np.testing.assert_array_equal(differing, [46, 47, 48, 49])


def test_a_radius_of_zero_sees_the_channel_alone():
    x = normal(9, scale=100)
    y = LocalResponseNormalization(0, 1.0, 1e-3, 0.5)(x)
    expected = x / np.sqrt(1 + 1e-3 * x.astype(np.float64) ** 2)
    assert relative(y, expected) < norm_bound("float32", 1)


def test_a_radius_beyond_all_channels_sees_them_all():
    x = normal(10, (1, 1, 1, 4))
    y = LocalResponseNormalization(9, 1.0, 1.0, 1.0)(x)
    expected = x / (1 + np.sum(x.astype(np.float64) ** 2))
    assert relative(y, expected) < norm_bound("float32", 4)


def test_without_activity_the_gain_is_that_of_the_bias():
    layer = LocalResponseNormalization()
    y, gradient = forward_and_gradients(layer, np.zeros(SHAPE, "f"), normal(11))
    np.testing.assert_array_equal(y, 0)
    limit = norm_bound("float32", 5)
    np.testing.assert_allclose(gradient, normal(11) * 2**-0.75, rtol=limit)


@pytest.mark.parametrize("constants", CONSTANTS.values(), ids=CONSTANTS)
def test_it_agrees_with_tensorflow(constants):
    x = normal(12, scale=100)
    radius, bias, alpha, beta = constants
    stock = tf.nn.local_response_normalization(x, radius, bias, alpha, beta)
    limit = 2 * norm_bound("float32", 2 * radius + 1)  # both round
    assert relative(LocalResponseNormalization(*constants)(x), stock) < limit


def test_it_agrees_with_the_onnx_definition():
    # ONNX: size 3, alpha 0.0002 divided by the size, beta 0.5, bias 2, NCHW.
    x = normal(13, (5, 5, 5, 5))
    squares = np.zeros((5, 5, 5, 5))
    for n, c, h, w in np.ndindex(x.shape):
        window = x[n, max(0, c - 1) : min(5, c + 2), h, w]
        squares[n, c, h, w] = np.sum(window.astype(np.float64) ** 2)
    expected = x / (2 + (0.0002 / 3) * squares) ** 0.5
    layer = LocalResponseNormalization(1, 2.0, 2e-4 / 3, 0.5)
    y = layer(x.transpose(0, 2, 3, 1)).numpy().transpose(0, 3, 1, 2)
    np.testing.assert_allclose(y, expected, rtol=norm_bound("float32", 5))


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_precision_is_the_exact_result_rounded(policy, jit_compile):
    # Squares of these overflow float16.
    layer = LocalResponseNormalization(groups=2, dtype=policy)
    x = normal(14, scale=1000)
    kept = tf.cast(tf.cast(x, layer.compute_dtype), tf.float32).numpy()
    upstream = np.sign(normal(15))
    y, gradient = forward_and_gradients(layer, x, upstream, jit_compile)
    constants = CONSTANTS["paper"]
    assert relative(y, lrn(kept, *constants, 2)) < norm_bound(policy, 5)
    expected = lrn_gradient(kept, upstream, *constants, 2)
    assert relative(gradient, expected) < norm_bound(policy, 5)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_output_has_the_computing_type(policy):
    layer = LocalResponseNormalization(dtype=policy)
    assert layer(normal(16)).dtype == layer.compute_dtype


def test_float64_keeps_its_precision():
    x = normal(17).astype(np.float64) * 100
    y = LocalResponseNormalization(dtype="float64")(x)
    assert relative(y, lrn(x, *CONSTANTS["paper"])) < norm_bound("float64", 5)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_the_branch_for_gpus_gives_the_same(policy, groups):
    layer = LocalResponseNormalization(groups=groups, dtype=policy)
    x, upstream = normal(18, scale=100), normal(19)
    y, gradient = forward_and_gradients(layer, x, upstream)
    inputs = tf.cast(x, layer.compute_dtype)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        native = layer._native(inputs, SHAPE[-1] // groups)
        total = tf.reduce_sum(tf.cast(native, tf.float32) * upstream)
    assert native.dtype == layer.compute_dtype
    limit = 2 * norm_bound(policy, 5)  # both round
    assert relative(tf.cast(native, tf.float32), y) < limit
    slope = tf.cast(tape.gradient(total, inputs), tf.float32)
    assert relative(slope, gradient) < limit


def test_the_second_derivative_is_that_of_the_formula():
    x = tf.constant(normal(20, (1, 1, 1, 6), 2.0))
    layer = LocalResponseNormalization(1, 1.0, 0.1, 0.75)

    def plain(x):
        squares = tf.pad(x**2, [[0, 0]] * 3 + [[1, 1]])
        total = squares[..., :-2] + squares[..., 1:-1] + squares[..., 2:]
        return x / (1 + 0.1 * total) ** 0.75

    def curvature(function):
        with tf.GradientTape() as outer:
            outer.watch(x)
            with tf.GradientTape() as inner:
                inner.watch(x)
                y = tf.reduce_sum(function(x) ** 2)
            slope = tf.reduce_sum(inner.gradient(y, x) ** 2)
        return outer.gradient(slope, x)

    # Each differentiation has twice the roundings of what it differentiates.
    limit = 2 * rounding_bound("float32", 6, steps=80)
    assert relative(curvature(layer), curvature(plain)) < limit


def test_any_batch_and_map_size_in_one_model():
    inputs = keras.Input((None, None, 8))
    model = keras.Model(inputs, LocalResponseNormalization()(inputs))
    assert model.output_shape == (None, None, None, 8)
    x = normal(21, (3, 4, 7, 8), 100)
    expected = lrn(x, *CONSTANTS["paper"])
    assert relative(model(x), expected) < norm_bound("float32", 5)


def test_a_saved_layer_comes_back_the_same(tmp_path):
    x = normal(22, scale=100)
    layer = LocalResponseNormalization(3, 1.5, 3e-4, 0.6, groups=2, name="norm1")
    model, again = reload(layer, x, tmp_path)
    assert again.get_layer("norm1").get_config() == layer.get_config()
    np.testing.assert_array_equal(again(x), model(x))


def test_its_configuration_holds_every_argument():
    arguments = {"depth_radius": 3, "bias": 1.5, "alpha": 3e-4, "beta": 0.6}
    config = LocalResponseNormalization(**arguments, groups=2).get_config()
    assert {**arguments, "groups": 2}.items() <= config.items()
    again = LocalResponseNormalization.from_config(config)
    assert again.get_config() == config


@pytest.mark.parametrize(
    "bad",
    [
        {"depth_radius": -1},
        {"groups": 0},
        {"bias": 0.0},
        {"alpha": -1e-4},
        {"beta": 0},
    ],
)
def test_bad_constants_are_refused_by_name(bad):
    (name, value), *_ = bad.items()
    with pytest.raises(ValueError, match=f"{name}={value}"):
        LocalResponseNormalization(**bad)


@pytest.mark.parametrize(
    ("shape", "groups"), [((2, 3, 3, 9), 2), ((2, 3, 8), 1), ((2, 3, 3, None), 1)]
)
def test_bad_inputs_are_refused_with_their_shape(shape, groups):
    layer = LocalResponseNormalization(groups=groups)
    with pytest.raises(ValueError, match="Received: input_shape=") as error:
        layer.build(shape)
    assert str(shape) in str(error.value)


def test_it_does_what_keras_asks_of_a_layer():
    pictures = (2, 7, 7, 4)
    check_keras_contract(LocalResponseNormalization, {"groups": 2}, pictures, pictures)
