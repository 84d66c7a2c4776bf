import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers import LocallyConnected2D
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from keras_alexnet.processor import refuses_bfloat16
from tests.keras_alexnet.layers.conftest import (
    POLICIES,
    check_keras_contract,
    forward_and_gradients,
    reload,
    whole_numbers,
)
from tests.reference import UNIT, conv2d, pad_same, relative, rounding_bound

FILTERS, CHANNELS = 5, 4
SHAPE = (3, 5, 6, CHANNELS)
KERNELS = [(3, 3), (2, 3), (4, 1), (1, 1), (5, 6)]  # odd, even, one, and all of a map


def normal(seed, shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def layer_with_weights(kernel_size=(3, 2), padding="valid", shape=SHAPE, **options):
    layer = LocallyConnected2D(FILTERS, kernel_size, padding, **options)
    layer.build((None, *shape[1:]))
    shapes = [weight.shape for weight in layer.weights]
    layer.set_weights([normal(90 + i, shape) for i, shape in enumerate(shapes)])
    return layer


def exact(x, kernel, bias, padding):
    """Every output on its own, in float64: a loop over places and pixels."""
    x, kernel = np.float64(x), np.float64(kernel)
    rows, columns, height, width = kernel.shape[:4]
    if padding == "same":
        x, _ = pad_same(x, (height, width), (1, 1))
    y = np.zeros((len(x), rows, columns, kernel.shape[-1])) + bias
    for r, c in np.ndindex(rows, columns):
        for i, j in np.ndindex(height, width):
            y[:, r, c] += x[:, r + i, c + j] @ kernel[r, c, i, j]
    return y


def exact_gradients(x, kernel, upstream, padding):
    """Gradients of the input, the kernel and the bias, term by term."""
    x, kernel = np.float64(x), np.float64(kernel)
    height, width = kernel.shape[2:4]
    border = [(0, 0)] * 3
    sides = x.shape[1:3]
    if padding == "same":
        x, border = pad_same(x, (height, width), (1, 1))
    dx, dk = np.zeros_like(x), np.zeros_like(kernel)
    for r, c in np.ndindex(kernel.shape[:2]):
        for i, j in np.ndindex(height, width):
            dx[:, r + i, c + j] += upstream[:, r, c] @ kernel[r, c, i, j].T
            dk[r, c, i, j] = x[:, r + i, c + j].T @ upstream[:, r, c]
    (top, _), (left, _) = border[1:]
    inner = dx[:, top : top + sides[0], left : left + sides[1]]
    return inner, dk, np.float64(upstream).sum(0)


def limits(dtype, kernel, batch, steps=3):
    """Bound output and gradients for input, kernel and bias, by their longest sums.

    An output sums over a window and the bias, a pixel's slope over the filters of all
    kernels that reach it, a weight's and a bias's over the batch.
    """
    taps, filters = np.prod(kernel.shape[2:5]), kernel.shape[5]
    reaching = np.prod(kernel.shape[2:4]) * filters
    terms = (taps + 1, reaching, batch, batch)
    return [rounding_bound(dtype, n, steps) for n in terms]


def check(found, layer, x, upstream, dtype):
    kernel, bias = layer.get_weights()
    expected = exact(x, kernel, bias, layer.padding)
    slopes = exact_gradients(x, kernel, upstream, layer.padding)
    bounds = limits(dtype, kernel, len(x))
    for actual, right, bound in zip(found, (expected, *slopes), bounds, strict=True):
        assert relative(actual, right) < bound


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel_size", KERNELS)
def test_it_is_a_product_at_each_place(kernel_size, padding):
    layer = layer_with_weights(kernel_size, padding)
    x = normal(1, SHAPE)
    upstream = normal(2, layer.compute_output_shape(SHAPE))
    found = forward_and_gradients(layer, x, upstream)
    check(found, layer, x, upstream, "float32")


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_precision_is_near_the_exact_result(policy, jit_compile):
    layer = layer_with_weights(padding="same", dtype=policy)
    x, upstream = normal(3, SHAPE), np.sign(normal(4, (*SHAPE[:3], FILTERS)))
    found = forward_and_gradients(layer, x, upstream, jit_compile)
    check(found, layer, x, upstream, policy)
    assert layer(x).dtype == layer.compute_dtype


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_sixteen_bits_are_computed_in_float32_on_a_cpu(policy):
    """And rounded once; as other runtimes read it, in the 16 bits of the graph."""
    layer = layer_with_weights(padding="same", dtype=policy)
    x, upstream = normal(5, SHAPE), np.sign(normal(6, (*SHAPE[:3], FILTERS)))

    def rounded(values):
        return tf.cast(tf.cast(values, layer.compute_dtype), tf.float32).numpy()

    kernel, bias = map(rounded, layer.get_weights())
    expected = exact(rounded(x), kernel, bias, "same")
    slopes = exact_gradients(rounded(x), kernel, upstream, "same")
    found = forward_and_gradients(layer, x, upstream)
    unit = UNIT[policy.removeprefix("mixed_")]
    bounds = [unit + bound for bound in limits("float32", kernel, len(x))]
    for actual, right, bound in zip(found, (expected, *slopes), bounds, strict=True):
        assert relative(actual, right) < bound
    if policy == "mixed_bfloat16" and refuses_bfloat16():
        return
    with use_forms(NATIVE):
        y = tf.cast(layer(x), tf.float32)
    assert relative(y, expected) < limits(policy, kernel, len(x))[0]


def test_float64_is_computed_in_float64():
    layer = layer_with_weights(padding="same", dtype="float64")
    x = np.float64(normal(7, SHAPE))
    y = layer(x)
    assert y.dtype == tf.float64
    expected = exact(x, *layer.get_weights(), "same")
    assert relative(y, expected) < rounding_bound("float64", 3 * 2 * CHANNELS + 1)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel_size", KERNELS)
def test_equal_kernels_are_a_shared_convolution(kernel_size, padding):
    layer = layer_with_weights(kernel_size, padding)
    kernel, bias = layer.get_weights()
    layer.set_weights(
        [np.broadcast_to(w[:1, :1], w.shape) for w in (kernel, bias)],
    )
    shared = keras.layers.Conv2D(FILTERS, kernel_size, padding=padding)
    shared.build(SHAPE)
    shared.set_weights([kernel[0, 0], bias[0, 0]])
    x = normal(8, SHAPE)
    bound = 2 * limits("float32", kernel, len(x))[0]  # both round
    assert relative(layer(x), shared(x)) < bound


def test_a_place_has_weights_that_no_other_shares():
    layer = layer_with_weights((3, 3), "same")
    x = normal(9, SHAPE)
    before = layer(x).numpy()
    for index, (r, c) in ((0, (0, 0)), (0, (2, 4)), (1, (4, 5)), (1, (1, 0))):
        weights = layer.get_weights()
        weights[index][r, c] += 1
        layer.set_weights(weights)
        after = layer(x).numpy()
        moved = (after != before).any((0, 3))
        assert np.argwhere(moved).tolist() == [[r, c]]
        before = after


def test_what_lies_beyond_the_border_is_zero():
    layer = layer_with_weights((3, 3), "same", shape=(1, 4, 4, 1), use_bias=False)
    kernel = np.ones(layer.kernel.shape)
    layer.set_weights([kernel])
    seen = np.array([2, 3, 3, 2])
    y = layer(np.ones((1, 4, 4, 1))).numpy()
    np.testing.assert_array_equal(y[0, :, :, 0], np.outer(seen, seen))


def test_even_kernels_have_the_odd_zero_at_the_end():
    layer = layer_with_weights((2, 4), "same", shape=(1, 3, 5, 1), use_bias=False)
    layer.set_weights([np.ones(layer.kernel.shape)])
    y = layer(np.ones((1, 3, 5, 1))).numpy()
    np.testing.assert_array_equal(y[0, :, :, 0], np.outer([2, 2, 1], [3, 4, 4, 3, 2]))


@pytest.mark.parametrize("jit_compile", [False, True])
def test_any_batch_goes_through_one_graph(jit_compile):
    layer = layer_with_weights((3, 3), "same", activation="relu")
    images = whole_numbers((5, *SHAPE[1:]), 10)
    layer.set_weights([whole_numbers(w.shape, 11) for w in layer.weights])
    run = tf.function(layer, jit_compile=jit_compile)
    graph = run.get_concrete_function(tf.TensorSpec((None, *SHAPE[1:])))
    expected = np.maximum(exact(images, *layer.get_weights(), "same"), 0)
    for count in (1, 2, 5, 0):
        y = graph(tf.constant(images[:count]))
        np.testing.assert_array_equal(y, expected[:count])


@pytest.mark.parametrize("activation", ["relu", "softmax"])
def test_the_activation_follows_the_bias(activation):
    options = {"activation": activation, "padding": "same"}
    x = normal(12, SHAPE)
    linear = layer_with_weights(padding="same")(x)
    found = layer_with_weights(**options)(x)
    np.testing.assert_array_equal(found, keras.activations.get(activation)(linear))


@pytest.mark.parametrize(
    ("maps", "total"), [((32, 32), 1_116_490), ((64, 32), 2_112_970)]
)
def test_the_nets_of_cuda_convnet_have_their_parameters(maps, total):
    """Those of layers-conv-local-13pct.cfg and 11pct, from local3 on."""
    x = images = keras.Input((6, 6, 64))
    for number, filters in enumerate(maps, start=3):
        x = LocallyConnected2D(filters, 3, "same", name=f"local{number}")(x)
    outputs = keras.layers.Dense(10)(keras.layers.Flatten()(x))
    own = keras.Model(images, outputs).count_params()
    for channels in (3, 64):
        convolution = keras.layers.Conv2D(64, 5)
        convolution.build((None, 24, 24, channels))
        own += convolution.count_params()
    assert own == total


def test_first_kernels_are_drawn_for_the_inputs_of_a_place():
    layer = LocallyConnected2D(50, 3)
    layer.build((None, 8, 8, 20))
    kernel, bias = layer.get_weights()
    limit = (3 / (3 * 3 * 20)) ** 0.5  # of a uniform variable whose variance is 1 / n
    assert np.abs(kernel).max() <= limit
    # The mean square of n of them strays by sqrt(0.8 / n) of itself; six times that.
    stray = 6 * (0.8 / kernel.size) ** 0.5
    assert abs(np.square(kernel).mean() * 3 / limit**2 - 1) < stray
    assert not bias.any()
    places = kernel.reshape(36, -1)
    assert len(np.unique(places, axis=0)) == 36


def test_a_drawn_kernel_keeps_the_order_of_its_axes():
    drawn = np.arange(2 * 3 * 4 * 6 * 5, dtype="float32")

    def count(shape, dtype=None):
        assert tuple(shape) == (2, 3, 4, 6 * 5)
        return tf.reshape(tf.constant(drawn, dtype), shape)

    layer = LocallyConnected2D(5, (2, 3), kernel_initializer=count)
    layer.build((None, 4, 4, 4))
    ordered = drawn.reshape(2, 3, 4, 3, 2, 5)
    kernel, _ = layer.get_weights()
    for r, c in np.ndindex(3, 2):
        np.testing.assert_array_equal(kernel[r, c], ordered[:, :, :, r, c])


def test_a_saved_layer_comes_back_the_same(tmp_path):
    x = normal(13, SHAPE)
    layer = LocallyConnected2D(
        FILTERS,
        (3, 2),
        "same",
        activation="tanh",
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(0.04, seed=3),
        kernel_regularizer=keras.regularizers.L2(0.5),
        kernel_constraint="non_neg",
        name="local3",
    )
    model, again = reload(layer, x, tmp_path)
    assert again.get_layer("local3").get_config() == layer.get_config()
    np.testing.assert_array_equal(again(x), model(x))
    copy = LocallyConnected2D.from_config(layer.get_config())
    copy.build(SHAPE)
    np.testing.assert_array_equal(copy.kernel, layer.kernel)
    assert layer.get_config()["kernel_size"] == (3, 2)


def test_its_configuration_holds_every_argument():
    arguments = {
        **{"filters": 7, "kernel_size": (2, 3), "padding": "same", "use_bias": False},
        **{"activation": "relu", "dtype": "float64", "name": "x"},
    }
    names = ("kernel_initializer", "bias_initializer", "kernel_regularizer")
    names += ("bias_regularizer", "kernel_constraint", "bias_constraint")
    layer = LocallyConnected2D(**arguments)
    config = layer.get_config()
    assert {*arguments, *names} <= {*config}
    again = LocallyConnected2D.from_config(config)
    assert again.get_config() == config
    assert (again.filters, again.kernel_size) == (7, (2, 3))
    assert (again.padding, again.use_bias) == ("same", False)
    assert again.activation is keras.activations.relu


def test_regularisers_and_constraints_see_their_weights():
    layer = layer_with_weights(
        kernel_regularizer=keras.regularizers.L2(0.5),
        bias_regularizer=keras.regularizers.L1(0.25),
        kernel_constraint="non_neg",
        bias_constraint="unit_norm",
    )
    kernel, bias = layer.get_weights()
    expected = [0.5 * np.square(kernel).sum(), 0.25 * np.abs(bias).sum()]
    bound = rounding_bound("float32", kernel.size)
    np.testing.assert_allclose(layer.losses, expected, rtol=bound)
    assert isinstance(layer.kernel.constraint, keras.constraints.NonNeg)
    assert isinstance(layer.bias.constraint, keras.constraints.UnitNorm)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"filters": 0}, "filters=0"),
        ({"filters": 2.0}, "filters=2.0"),
        ({"filters": True}, "filters=True"),
        ({"kernel_size": 0}, "kernel_size=0"),
        ({"kernel_size": (3, -1)}, "kernel_size=-1"),
        ({"kernel_size": (3, 3, 3)}, r"kernel_size=\(3, 3, 3\)"),
        ({"kernel_size": 2.5}, "kernel_size=2.5"),
        ({"kernel_size": None}, "kernel_size=None"),
        ({"padding": "causal"}, "padding='causal'"),
        ({"strides": 2}, "strides"),
        ({"data_format": "channels_first"}, "channels_first"),
    ],
)
def test_bad_arguments_are_refused_by_name(bad, message):
    with pytest.raises(ValueError, match=message):
        LocallyConnected2D(**{"filters": 4, "kernel_size": 3, **bad})


@pytest.mark.parametrize(
    "shape", [(None, None, 5, 4), (None, 5, None, 4), (None, 5, 5, None), (None, 5, 4)]
)
def test_an_input_without_known_sides_is_refused(shape):
    with pytest.raises(ValueError, match="known sides") as caught:
        LocallyConnected2D(4, 3, "same").build(shape)
    assert f"input_shape={shape}" in str(caught.value)


def test_an_input_smaller_than_a_kernel_is_refused():
    layer = LocallyConnected2D(4, (2, 3))
    with pytest.raises(ValueError, match=r"\(2, 3\).*input_shape=\(None, 5, 2, 1\)"):
        layer.build((None, 5, 2, 1))
    assert layer.compute_output_shape((None, 2, 3, 1)) == (None, 1, 1, 4)
    small = LocallyConnected2D(4, (2, 3), "same")
    assert small(np.ones((1, 1, 1, 2))).shape == (1, 1, 1, 4)


@pytest.mark.parametrize("shape", [(1, 6, 6, CHANNELS), (1, 5, 6, 3)])
def test_an_input_of_other_sides_than_when_built_is_refused(shape):
    layer = layer_with_weights()
    with pytest.raises(ValueError, match="incompatible"):
        layer(np.ones(shape))


@pytest.mark.parametrize(
    ("options", "sides", "losses"),
    [
        ({"padding": "valid", "activity_regularizer": "l2"}, (5, 4), 1),
        ({"padding": "same", "use_bias": False, "kernel_regularizer": "l1"}, (7, 6), 1),
    ],
)
def test_it_does_what_keras_asks_of_a_layer(options, sides, losses):
    arguments = {"filters": 3, "kernel_size": 3, **options}
    expected = (2, *sides, 3)
    check_keras_contract(LocallyConnected2D, arguments, (2, 7, 6, 4), expected, losses)


def test_the_reference_is_that_of_a_shared_convolution():
    x, kernel = normal(14, (2, 4, 5, 3)), normal(15, (2, 3, 3, 4))
    each = np.broadcast_to(kernel, (3, 3, *kernel.shape))
    bound = rounding_bound("float64", 2 * 3 * 3)
    assert relative(exact(x, each, 0, "valid"), conv2d(x, kernel)) < bound
