"""What Keras asks of its own layers, asked of ours: each argument taken over counts."""

import inspect
from unittest import mock

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras.src.testing import TestCase

from keras_alexnet.layers import (
    GroupedConv2D,
    InMapResponseNormalization,
    InvertedDropout,
    LocalResponseNormalization,
    OriginalDropout,
)
from keras_alexnet.layers.native_kernels import native_kernels
from keras_alexnet.models.lenet import EuclideanOutput, PartialConv2D, Subsampling
from keras_alexnet.towers.layers import TowerConv2D, TowerInvertedDropout
from tests.keras_alexnet.layers.conftest import POLICIES
from tests.reference import relative, rounding_bound

# `run_layer_test` trains from a generator, and some layers have nothing to train.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`shuffle=True` was passed:UserWarning"),
    pytest.mark.filterwarnings("ignore:The model does not have any:UserWarning"),
]

PICTURES = (2, 7, 7, 4)
CASES = {
    "conv": (GroupedConv2D, {"filters": 4, "kernel_size": 3}, PICTURES, (2, 5, 5, 4)),
    "conv, dilated towers": (
        GroupedConv2D,
        {
            **{"filters": 6, "kernel_size": 2, "padding": "same", "groups": 2},
            **{"dilation_rate": (2, 1), "kernel_regularizer": "l2"},
        },
        PICTURES,
        (2, 7, 7, 6),
    ),
    "conv, LoRA": (
        GroupedConv2D,
        {
            **{"filters": 6, "kernel_size": 3, "strides": (2, 1), "groups": 2},
            **{"lora_rank": 2, "use_bias": False},
        },
        PICTURES,
        (2, 3, 5, 6),
    ),
    "inverted dropout": (
        InvertedDropout,
        {"rate": 0.2, "noise_shape": (None, 1, None, None)},
        PICTURES,
        PICTURES,
    ),
    "original dropout": (OriginalDropout, {"rate": 0.2}, PICTURES, PICTURES),
    "norm": (LocalResponseNormalization, {"groups": 2}, PICTURES, PICTURES),
    "in-map norm": (InMapResponseNormalization, {"size": 3}, PICTURES, PICTURES),
    "subsampling": (Subsampling, {}, (2, 6, 6, 4), (2, 3, 3, 4)),
    "partial conv": (
        PartialConv2D,
        {"filters": 16, "kernel_size": 5, "padding": "same", "bias_regularizer": "l2"},
        (2, 7, 7, 6),
        (2, 7, 7, 16),
    ),
    "euclidean output": (EuclideanOutput, {}, (2, 84), (2, 10)),
    "conv on its tower": (
        TowerConv2D,
        {"filters": 4, "kernel_size": 3, "tower": 1, "activity_regularizer": "l1"},
        PICTURES,
        (2, 5, 5, 4),
    ),
}
LOSSES = {"conv, dilated towers": 1, "partial conv": 1, "conv on its tower": 1}


@pytest.mark.parametrize("case", CASES)
def test_it_does_what_keras_asks_of_a_layer(case):
    kind, options, shape, expected = CASES[case]
    TestCase().run_layer_test(
        kind,
        init_kwargs=options,
        input_shape=shape,
        expected_output_shape=expected,
        expected_num_losses=LOSSES.get(case, 0),
    )


@pytest.mark.parametrize(
    ("kind", "parent"),
    [
        (GroupedConv2D, keras.layers.Conv2D),
        (InvertedDropout, keras.layers.Dropout),
        (TowerConv2D, GroupedConv2D),
        (TowerInvertedDropout, InvertedDropout),
    ],
)
def test_what_is_given_without_a_name_means_what_it_means_in_keras(kind, parent):
    def positional(cls):
        kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD,)
        parameters = inspect.signature(cls.__init__).parameters.values()
        return [p.name for p in parameters if p.kind in kinds][1:]

    own = positional(kind)
    theirs = positional(parent)
    count = min(len(own), len(theirs))
    assert own[:count] == theirs[:count]


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


def whole_numbers(shape, seed):
    """-1, 0 and 1, whose sums here are exact in every precision."""
    return np.random.default_rng(seed).integers(-1, 2, shape).astype("float32")


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


def test_dilation_with_native_kernels_is_the_same():
    x = tf.constant(whole_numbers((2, 9, 9, 4), 1))
    layer = GroupedConv2D(4, 3, dilation_rate=2, groups=2, padding="same")
    split = layer(x)
    with native_kernels():
        native = layer(x)
    assert relative(native, split) < 2 * rounding_bound("float32", 9 * 2)


ONES = np.ones((20, 5, 10), np.float32)


@pytest.mark.parametrize(
    "noise_shape", [(None, 1, None), (20, 1, 10), [1, None, 1], (None, None, None)]
)
@pytest.mark.parametrize("policy", POLICIES)
def test_a_shared_mask_is_that_of_keras(noise_shape, policy):
    ours, theirs = (
        kind(0.5, noise_shape, 7, dtype=policy)(ONES, training=True)
        for kind in (InvertedDropout, keras.layers.Dropout)
    )
    np.testing.assert_array_equal(tf.cast(ours, "float32"), tf.cast(theirs, "float32"))
    again = InvertedDropout.from_config(InvertedDropout(0.5, noise_shape).get_config())
    assert again.noise_shape == tuple(noise_shape)


@pytest.mark.parametrize("bad", [(None, 1), "rows", (None, 0, None), 3])
def test_a_noise_shape_that_means_nothing_is_refused(bad):
    with pytest.raises(ValueError, match="noise_shape"):
        InvertedDropout(0.5, bad)(ONES, training=True)


def test_the_papers_dropout_refuses_a_noise_shape():
    with pytest.raises(ValueError, match="noise_shape"):
        OriginalDropout(0.5, noise_shape=(None, 1, None))


def replica_masks(noise_shape, columns=None):
    """The mask of each of two replicas, and of one that has the whole batch."""
    masks = []
    for replica, count in ((0, 2), (1, 2), (0, 1)):
        context = mock.Mock(
            num_replicas_in_sync=count, replica_id_in_sync_group=tf.constant(replica)
        )
        layer = InvertedDropout(0.5, noise_shape, 7, columns)
        with mock.patch.object(
            tf.distribute, "get_replica_context", return_value=context
        ):
            rows = ONES if count == 1 else ONES[:10]
            masks.append(layer(rows, training=True).numpy())
    return masks


@pytest.mark.parametrize("noise_shape", [(None, 1, None), (1, None, None)])
@pytest.mark.parametrize("columns", [None, (10, 20)])
def test_replicas_take_their_rows_of_a_shared_mask(noise_shape, columns):
    first, second, whole = replica_masks(noise_shape, columns)
    np.testing.assert_array_equal(np.concatenate([first, second]), whole)
    assert (first == second).all() == (noise_shape[0] == 1)


def test_towers_share_a_mask_without_columns():
    layer = InvertedDropout(0.5, (None, None, 1), 7, (10, 20))
    expected = InvertedDropout(0.5, (None, None, 1), 7)
    actual = layer(ONES, training=True)
    np.testing.assert_array_equal(actual, expected(ONES, training=True))


def partial(**options):
    layer = PartialConv2D(16, 5, **options)
    layer.build((None, 9, 9, 6))
    return layer


def test_the_partial_convolution_uses_what_it_takes_from_conv2d():
    x = np.ones((1, 9, 9, 6), np.float32)
    assert partial(strides=2, padding="same")(x).shape == (1, 5, 5, 16)
    assert partial(dilation_rate=2)(x).shape == (1, 1, 1, 16)
    assert [w.name for w in partial(use_bias=False).weights] == ["kernel"]
    limits = {"kernel_constraint": "non_neg", "bias_constraint": "max_norm"}
    assert all(weight.constraint for weight in partial(**limits).weights)
    kernel = partial(kernel_regularizer=keras.regularizers.L2(1.0))
    total = np.sum(np.square(kernel.get_weights()[0]))
    limit = 2 * rounding_bound("float32", kernel.get_weights()[0].size)
    assert float(kernel.losses[0]) == pytest.approx(total, rel=limit)


@pytest.mark.parametrize(
    "options", [{"groups": 2}, {"data_format": "channels_first"}, {"lora_rank": 2}]
)
def test_the_partial_convolution_refuses_what_it_cannot_do(options):
    (name, value), *_ = options.items()
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        PartialConv2D(16, 5, **options)


def test_the_partial_convolution_refuses_lora():
    with pytest.raises(ValueError, match="LoRA"):
        partial().enable_lora(2)
