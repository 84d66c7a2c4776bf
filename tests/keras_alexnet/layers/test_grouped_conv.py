import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.layers import GroupedConv2D, grouped_conv
from keras_alexnet.layers.kernel_forms import KernelForms, current_forms
from keras_alexnet.processor import computes_bfloat16
from tests.keras_alexnet.layers.conftest import (
    POLICIES,
    check_keras_contract,
    check_positional,
    forward_and_gradients,
    reload,
    whole_numbers,
)
from tests.reference import (
    UNIT,
    pad_same,
    relative,
    rounding_bound,
    tower_conv2d,
    tower_conv2d_gradients,
)

FILTERS = 6


def normal(seed, shape, scale=1.0):
    values = np.random.default_rng(seed).normal(size=shape) * scale
    return values.astype(np.float32)


def conv_bounds(dtype, kernel, y):
    """Bound output and gradients for input, kernel and bias; the longest sums of each.

    An output sums over the taps of one kernel, a pixel's slope over those that reach
    it, a weight's over all positions.
    """
    taps, positions = np.prod(kernel.shape[:3]), np.prod(y.shape[:3])
    reaching = np.prod(kernel.shape[:2]) * kernel.shape[3]
    return [rounding_bound(dtype, n) for n in (taps, reaching, positions, positions)]


def layer_with_weights(kind=GroupedConv2D, groups=2, in_channels=4, **options):
    layer = kind(FILTERS, (3, 2), groups=groups, **options)
    layer.build((None, None, None, in_channels))
    shapes = [weight.shape for weight in layer.get_weights()]
    layer.set_weights([normal(90 + i, shape) for i, shape in enumerate(shapes)])
    return layer


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2), (1, 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_it_equals_explicit_towers(groups, strides, padding):
    layer = layer_with_weights(groups=groups, strides=strides, padding=padding)
    x = normal(1, (2, 7, 8, 4))
    kernel, bias = layer.get_weights()
    expected = tower_conv2d(x, kernel, groups, strides, padding, bias)
    upstream = normal(2, expected.shape)
    y, *gradients = forward_and_gradients(layer, x, upstream)
    first, *limits = conv_bounds("float32", kernel, y)
    assert relative(y, expected) < first
    slopes = tower_conv2d_gradients(x, kernel, upstream, groups, strides, padding)
    for actual, slope, limit in zip(gradients, slopes, limits, strict=True):
        assert relative(actual, slope) < limit


@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
@pytest.mark.parametrize("use_bias", [False, True])
@pytest.mark.parametrize("groups", [1, 2])
def test_it_equals_the_layer_of_keras(groups, use_bias, activation):
    options = {"groups": groups, "use_bias": use_bias, "activation": activation}
    ours = layer_with_weights(padding="same", **options)
    stock = layer_with_weights(keras.layers.Conv2D, padding="same", **options)
    stock.set_weights(ours.get_weights())
    x, upstream = normal(3, (2, 7, 8, 4)), normal(4, (2, 7, 8, FILTERS))
    limits = conv_bounds("float32", ours.kernel, upstream)
    first, second = (
        forward_and_gradients(layer, x, upstream) for layer in (ours, stock)
    )
    for actual, expected, limit in zip(first, second, limits, strict=use_bias):
        assert relative(actual, expected) < 2 * limit  # both round


def test_dilation_is_that_of_keras():
    options = {"dilation_rate": 2, "padding": "same"}
    ours = layer_with_weights(**options)
    stock = layer_with_weights(keras.layers.Conv2D, **options)
    x = normal(5, (2, 9, 9, 4))
    limit = 2 * conv_bounds("float32", ours.kernel, x)[0]  # both round
    assert relative(ours(x), stock(x)) < limit


def test_weights_interchange_with_keras():
    ours, stock = (
        GroupedConv2D(8, (3, 2), groups=2),
        keras.layers.Conv2D(8, (3, 2), groups=2),
    )
    for layer in (ours, stock):
        layer.build((None, 9, 9, 4))
    assert [w.name for w in ours.weights] == ["kernel", "bias"]
    assert [w.shape for w in ours.weights] == [(3, 2, 2, 8), (8,)]
    assert [w.shape for w in ours.weights] == [w.shape for w in stock.weights]
    stock.set_weights(ours.get_weights())
    ours.set_weights(stock.get_weights())


def test_a_tower_sees_only_its_own_maps():
    layer = layer_with_weights()
    x, upstream = normal(6, (2, 7, 8, 4)), normal(7, (2, 5, 7, FILTERS))
    other = x.copy()
    other[..., :2] += 1
    first = forward_and_gradients(layer, x, upstream)
    second = forward_and_gradients(layer, other, upstream)
    np.testing.assert_array_equal(first[0][..., 3:], second[0][..., 3:])
    assert (first[0][..., :3] != second[0][..., :3]).all()
    np.testing.assert_array_equal(first[2][..., 3:], second[2][..., 3:])


@pytest.mark.parametrize(
    ("image", "kernel", "stride"),
    [
        ((227, 227, 3), (11, 11), 4),  # conv1
        ((25, 31, 3), (11, 11), 4),  # the last window leaves pixels over
        ((13, 17, 2), (3, 5), 2),
        ((12, 12, 4), (4, 4), 4),
        ((10, 11, 3), (2, 2), 3),  # gaps between the windows
        ((9, 9, 1), (1, 1), 2),
        ((11, 11, 3), (11, 11), 4),  # one window
    ],
)
def test_the_folded_convolution_is_the_plain_one(image, kernel, stride):
    x = tf.constant(normal(8, (2, *image)))
    weights = tf.constant(normal(9, (*kernel, image[-1], 8)))

    def plain(x, weights):
        return tf.nn.conv2d(x, weights, stride, "VALID")

    def folded(x, weights):
        return grouped_conv._folded_convolution(x, weights, stride)

    results = []
    for convolve in (folded, plain):
        with tf.GradientTape() as tape:
            tape.watch([x, weights])
            y = convolve(x, weights)
            total = tf.reduce_sum(y * normal(10, y.shape))
        results.append([y, *tape.gradient(total, [x, weights])])
    limits = conv_bounds("float32", weights, y)[:3]
    for actual, expected, limit in zip(*results, limits, strict=True):
        assert relative(actual, expected) < 2 * limit  # both round


def test_only_strided_bfloat16_convolutions_of_few_channels_are_folded():
    image = tf.zeros((2, 27, 27, 3), tf.bfloat16)

    def folds(inputs=image, **options):
        options = {"strides": 4, "dtype": "mixed_bfloat16", **options}
        return GroupedConv2D(8, 11, **options)._folds(inputs)

    assert folds()
    assert not folds(tf.cast(image, tf.float32))
    assert not folds(tf.zeros((2, 27, 27, 5), tf.bfloat16))
    assert not folds(strides=1)
    assert not folds(strides=(2, 4))
    assert not folds(padding="same")
    assert not folds(strides=1, dilation_rate=2)
    unknown = tf.TensorSpec((None, None, None, 3), tf.bfloat16)
    assert not folds(unknown)
    assert folds(tf.TensorSpec((None, 27, 27, 3), tf.bfloat16))


def test_conv1_in_bfloat16_is_the_exact_result_rounded(monkeypatch):
    folded = []
    original = grouped_conv._folded_convolution
    monkeypatch.setattr(
        grouped_conv,
        "_folded_convolution",
        lambda *arguments: folded.append(1) or original(*arguments),
    )
    layer = GroupedConv2D(8, 11, strides=4, dtype="mixed_bfloat16")
    x = normal(11, (2, 47, 47, 3), 60)
    upstream = np.sign(normal(12, (2, 10, 10, 8)))
    y, *gradients = forward_and_gradients(layer, x, upstream)
    assert bool(folded) == (computes_bfloat16() and current_forms().fit_bfloat16)

    def rounded(values):
        return tf.cast(tf.cast(values, tf.bfloat16), tf.float32).numpy()

    kernel, _ = layer.get_weights()
    plain = (rounded(x), rounded(kernel))
    # Added up in float32 and rounded once, to bfloat16.
    limit = UNIT["bfloat16"] + rounding_bound("float32", 11 * 11 * 3)
    assert relative(y, tower_conv2d(*plain, 1, (4, 4))) < limit
    slopes = tower_conv2d_gradients(*plain, upstream, 1, (4, 4))
    for actual, expected in zip(gradients, slopes, strict=True):
        # The parts of the sum over positions, one a picture, may be kept in bfloat16.
        limit = rounding_bound("bfloat16", len(x), steps=1)
        assert relative(actual, expected) < limit


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("activation", [None, "relu", "tanh"])
def test_bfloat16_is_computed_in_float32_where_it_is_slow(
    monkeypatch, activation, groups
):
    """And in bfloat16 where the processor has instructions for it."""
    options = {"activation": activation, "strides": 2, "dtype": "mixed_bfloat16"}
    layer = layer_with_weights(groups=groups, **options)
    x = tf.constant(normal(17, (2, 7, 8, 4)))

    def types_of_convolutions():
        def gradient(x):
            with tf.GradientTape() as tape:
                tape.watch(x)
                y = layer(x)
            assert y.dtype == tf.bfloat16
            return tape.gradient(y, [x, layer.kernel.value, layer.bias.value])

        graph = tf.function(gradient).get_concrete_function(x).graph
        nodes = [n for n in graph.get_operations() if n.type.startswith("Conv2D")]
        assert len(nodes) >= 3
        return {node.get_attr("T") for node in nodes}

    forms = KernelForms(split_groups=True, fit_bfloat16=True)
    monkeypatch.setattr(grouped_conv, "current_forms", lambda dtype: forms)
    for fast, expected in ((True, tf.bfloat16), (False, tf.float32)):
        monkeypatch.setattr(grouped_conv, "computes_bfloat16", lambda f=fast: f)
        assert types_of_convolutions() == {expected}
    if activation is None:
        wide = layer_with_weights(groups=groups, **{**options, "dtype": "float32"})
        rounded = [tf.cast(w, tf.bfloat16) for w in wide.get_weights()]
        wide.set_weights([tf.cast(w, tf.float32).numpy() for w in rounded])
        exact = wide(tf.cast(tf.cast(x, tf.bfloat16), tf.float32))
        np.testing.assert_array_equal(
            tf.cast(layer(x), tf.float32),
            tf.cast(tf.cast(exact, "bfloat16"), "float32"),
        )


@pytest.mark.parametrize("jit_compile", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_every_precision_is_near_the_exact_result(policy, jit_compile):
    layer = layer_with_weights(dtype=policy)
    x, upstream = normal(13, (2, 7, 8, 4)), np.sign(normal(14, (2, 5, 7, FILTERS)))
    y, *gradients = forward_and_gradients(layer, x, upstream, jit_compile)
    kernel, bias = layer.get_weights()
    first, *limits = conv_bounds(policy, kernel, y)
    assert relative(y, tower_conv2d(x, kernel, 2, bias=bias)) < first
    slopes = tower_conv2d_gradients(x, kernel, upstream, 2)
    for actual, expected, limit in zip(gradients, slopes, limits, strict=True):
        assert relative(actual, expected) < limit


def test_a_saved_layer_comes_back_the_same(tmp_path):
    x = normal(15, (2, 7, 8, 4))
    layer = GroupedConv2D(
        FILTERS, (3, 2), groups=2, strides=2, activation="tanh", name="conv2"
    )
    model, again = reload(layer, x, tmp_path)
    assert again.get_layer("conv2").get_config() == layer.get_config()
    np.testing.assert_array_equal(again(x), model(x))


def test_channels_first_is_refused():
    with pytest.raises(ValueError, match="data_format='channels_first'"):
        GroupedConv2D(4, 3, data_format="channels_first")


@pytest.mark.parametrize(("filters", "channels"), [(5, 4), (4, 5)])
def test_groups_must_divide_filters_and_channels(filters, channels):
    with pytest.raises(ValueError, match="5"):
        GroupedConv2D(filters, 3, groups=2).build((None, 9, 9, channels))


def test_the_reference_pads_as_tensorflow_does():
    x = normal(16, (1, 7, 8, 1))
    padded, border = pad_same(x, (3, 2), (2, 3))
    assert border == [(0, 0), (1, 1), (0, 0)]
    assert padded.shape == (1, 9, 8, 1)


PICTURES = (2, 7, 7, 4)


@pytest.mark.parametrize(
    ("options", "sides", "losses"),
    [
        ({"filters": 4, "kernel_size": 3}, (5, 5), 0),
        (
            {
                **{"filters": 6, "kernel_size": 2, "padding": "same", "groups": 2},
                **{"dilation_rate": (2, 1), "kernel_regularizer": "l2"},
            },
            (7, 7),
            1,
        ),
        (
            {
                **{"filters": 6, "kernel_size": 3, "strides": (2, 1), "groups": 2},
                **{"lora_rank": 2, "use_bias": False},
            },
            (3, 5),
            0,
        ),
    ],
    ids=["plain", "dilated towers", "LoRA"],
)
def test_it_does_what_keras_asks_of_a_layer(options, sides, losses):
    expected = (2, *sides, options["filters"])
    check_keras_contract(GroupedConv2D, options, PICTURES, expected, losses)


def test_what_is_given_without_a_name_means_what_it_means_in_keras():
    check_positional(GroupedConv2D, keras.layers.Conv2D)


def test_the_third_number_is_the_strides():
    layer = GroupedConv2D(96, 11, 4)
    assert (layer.strides, layer.groups) == ((4, 4), 1)
    every = (8, 3, 1, "same", "channels_last", 2, 2)
    ours, theirs = GroupedConv2D(*every, name="x"), keras.layers.Conv2D(*every)
    expected = {**theirs.get_config(), "name": "x"}
    assert ours.get_config() == expected


CONSTANTS = {
    "kernel_regularizer": keras.regularizers.L2(0.5),
    "bias_regularizer": keras.regularizers.L1(0.25),
    "activity_regularizer": keras.regularizers.L2(0.125),
    "bias_initializer": "ones",
}


@pytest.mark.parametrize(
    "options",
    [
        *({name: value} for name, value in CONSTANTS.items()),
        {"kernel_constraint": keras.constraints.NonNeg()},
        {"bias_constraint": keras.constraints.MaxNorm(0.5)},
        {"activation": keras.layers.LeakyReLU()},
        {"activation": "softmax"},
        {"trainable": False},
        {"dtype": "float64"},
        {"padding": "same", "strides": (2, 3)},
    ],
    ids=lambda options: next(iter(options)),
)
@pytest.mark.parametrize("groups", [1, 2])
def test_each_argument_does_what_it_does_in_conv2d(options, groups):
    x = np.random.default_rng(1).normal(size=PICTURES).astype("float32")
    ours = GroupedConv2D(4, 3, groups=groups, **options)
    theirs = keras.layers.Conv2D(4, 3, groups=groups, **options)
    ours.build(x.shape)
    theirs.build(x.shape)
    theirs.set_weights(ours.get_weights())
    y, expected = ours(x), theirs(x)
    assert y.dtype == expected.dtype
    # Two programs; softmax moves with its logits, which are below four.
    assert relative(y, expected) < 4 * 2 * rounding_bound("float32", 9 * x.shape[-1])
    limit = 2 * rounding_bound("float32", y.numpy().size, steps=6)  # of squares
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=limit)
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        assert one.constraint is other.constraint
        assert one.trainable == other.trainable


def test_lora_is_that_of_conv2d():
    x = np.random.default_rng(1).normal(size=PICTURES).astype("float32")
    ours, theirs = (
        kind(6, 3, groups=2) for kind in (GroupedConv2D, keras.layers.Conv2D)
    )
    for layer in (ours, theirs):
        layer.build(x.shape)
        layer.enable_lora(2, b_initializer="ones")
    for one, other in zip(ours.weights, theirs.weights, strict=True):
        other.assign(one)
    limit = 2 * rounding_bound("float32", 9 * x.shape[-1], steps=6)  # and of a product
    assert relative(ours(x), theirs(x)) < limit
    assert len(ours.trainable_weights) == len(theirs.trainable_weights) == 3


def gradients(layer, x):
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(tf.cast(layer(x), tf.float32))
    weights = [weight.value for weight in layer.trainable_weights]
    return tape.gradient(total, [x, *weights])


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("groups", [1, 2])
def test_dilation_has_the_gradient_of_a_kernel_with_holes(groups, padding, policy):
    x = tf.constant(whole_numbers((2, 9, 9, 4), 1))
    layer = GroupedConv2D(
        *(4, 3, 1, padding), dilation_rate=(2, 3), groups=groups, dtype=policy
    )
    layer.build(x.shape)
    kernel = whole_numbers(layer.kernel.shape, 2)
    layer.set_weights([kernel, np.zeros(4)])
    wide = GroupedConv2D(4, (5, 7), 1, padding, groups=groups)
    wide.build(x.shape)
    holes = np.zeros(wide.kernel.shape, "float32")
    holes[::2, ::3] = kernel
    wide.set_weights([holes, np.zeros(4)])
    np.testing.assert_array_equal(tf.cast(layer(x), "float32"), wide(x))
    to_x, to_kernel, to_bias = gradients(layer, x)
    wide_to_x, wide_to_kernel, wide_to_bias = gradients(wide, x)
    np.testing.assert_array_equal(to_x, wide_to_x)
    np.testing.assert_array_equal(to_kernel, wide_to_kernel[::2, ::3])
    np.testing.assert_array_equal(to_bias, wide_to_bias)


def test_no_kernel_needs_a_gradient_with_dilations():
    # Whether a CPU has one depends on its instructions and on the precision.
    layer = GroupedConv2D(4, 3, dilation_rate=2, groups=2)
    layer.build((None, 9, 9, 4))
    step = tf.function(lambda x: gradients(layer, x))
    graph = step.get_concrete_function(tf.TensorSpec((None, None, None, 4))).graph
    kernels = [op for op in graph.get_operations() if op.type.startswith("Conv2D")]
    assert len(kernels) == 6
    assert {tuple(op.get_attr("dilations")) for op in kernels} == {(1, 1, 1, 1)}
