import keras
import numpy as np
import pytest

from keras_alexnet.layers.lenet import (
    C3_INPUTS,
    DIGIT_BITMAPS,
    EuclideanOutput,
    GreyLevels,
    PartialConv2D,
    Subsampling,
    scaled_tanh,
)
from tests.keras_alexnet.layers.conftest import check_keras_contract
from tests.reference import conv2d, relative, rounding_bound


@pytest.mark.parametrize(
    ("kind", "options", "shape", "expected", "losses"),
    [
        (Subsampling, {}, (2, 6, 6, 4), (2, 3, 3, 4), 0),
        (
            PartialConv2D,
            {
                **{"filters": 16, "kernel_size": 5, "padding": "same"},
                "bias_regularizer": "l2",
            },
            (2, 7, 7, 6),
            (2, 7, 7, 16),
            1,
        ),
        (EuclideanOutput, {}, (2, 84), (2, 10), 0),
        (GreyLevels, {}, (2, 5, 6, 3), (2, 5, 6, 1), 0),
    ],
)
def test_it_does_what_keras_asks_of_a_layer(kind, options, shape, expected, losses):
    check_keras_contract(kind, options, shape, expected, losses)


def test_the_table_of_c3_has_60_links():
    assert sum(map(len, C3_INPUTS)) == 60
    assert [set(inputs) for inputs in C3_INPUTS] == [
        *({0, 1, 2}, {1, 2, 3}, {2, 3, 4}, {3, 4, 5}, {4, 5, 0}, {5, 0, 1}),
        *({0, 1, 2, 3}, {1, 2, 3, 4}, {2, 3, 4, 5}),
        *({3, 4, 5, 0}, {4, 5, 0, 1}, {5, 0, 1, 2}),
        *({0, 1, 3, 4}, {1, 2, 4, 5}, {0, 2, 3, 5}),
        {0, 1, 2, 3, 4, 5},
    ]


def test_c3_sees_exactly_the_maps_of_its_table():
    c3 = PartialConv2D(16, 5, activation="linear")
    x = np.random.default_rng(0).normal(size=(1, 6, 6, 6)).astype(np.float32)
    y = c3(x).numpy()
    for source in range(6):
        changed = x.copy()
        changed[..., source] += 1
        seen = (c3(changed).numpy() != y).any((0, 1, 2))
        assert seen.tolist() == [source in inputs for inputs in C3_INPUTS]


def test_c3_is_the_sum_over_its_links():
    c3 = PartialConv2D(16, 5, activation="linear")
    x = np.random.default_rng(0).normal(size=(2, 7, 6, 6)).astype(np.float32)
    y = c3(x).numpy()
    link = 0
    kernel, _ = c3.get_weights()
    for target, inputs in enumerate(C3_INPUTS):
        expected = 0
        for source in inputs:
            plane = kernel[:, :, link, None, None]
            expected = expected + conv2d(x[..., source : source + 1], plane)[..., 0]
            link += 1
        limit = rounding_bound("float32", 25 * len(inputs))
        assert relative(y[..., target], expected) < limit


def test_subsampling_is_a_scaled_sum_squashed():
    s2 = Subsampling()
    s2.build((None, 4, 6, 6))
    s2.set_weights([np.arange(1, 7) / 10, np.arange(6) / 10])
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 6)).astype(np.float32)
    total = x.reshape(2, 2, 2, 3, 2, 6).astype(np.float64).sum((2, 4))
    inner = total * np.arange(1, 7) / 10 + np.arange(6) / 10
    # Scale, bias, two thirds, tanh (4), 1.7159, and the weights themselves (2).
    limit = rounding_bound("float32", 4, steps=10)
    assert relative(s2(x), 1.7159 * np.tanh(2 * inner / 3)) < limit


def test_outputs_of_1998_are_negated_distances_to_ten_different_drawings():
    drawings = [text.replace(" ", "") for text in DIGIT_BITMAPS]
    assert [len(text) for text in drawings] == [84] * 10
    assert len(set(drawings)) == 10
    codes = np.array([[1.0 if c == "1" else -1.0 for c in text] for text in drawings])
    output = EuclideanOutput()
    x = np.random.default_rng(0).normal(size=(3, 84)).astype(np.float32)
    distances = ((x[:, None].astype(np.float64) - codes) ** 2).sum(-1)
    assert relative(output(x), -distances) < rounding_bound("float32", 84)
    np.testing.assert_array_equal(np.argmax(output(codes), -1), np.arange(10))


def test_black_white_and_grey_have_the_levels_of_the_paper():
    colours = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 3)).astype(np.float32)
    colours[0, 0, :3] = np.array([[0] * 3, [255] * 3, [51] * 3])
    found = GreyLevels()(colours).numpy()
    grey = colours.astype(np.float64) @ [[0.299], [0.587], [0.114]]  # as Pillow's L
    # Four products and sums; the levels are some 1.3 at most.
    limit = 1.3 * rounding_bound("float32", 4)
    np.testing.assert_allclose(found, grey * 1.275 / 255 - 0.1, rtol=0, atol=limit)
    expected = [-0.1, 1.175, -0.1 + 1.275 / 5]
    np.testing.assert_allclose(found[0, 0, :3, 0], expected, rtol=0, atol=limit)


def test_squashing_passes_through_plus_and_minus_one():
    y = scaled_tanh(np.array([-1.0, 0, 1]))
    # 1.7159 is rounded to four places, and tanh(2 / 3) is 0.58.
    np.testing.assert_allclose(y, [-1, 0, 1], atol=0.6 * 0.5e-4)


def test_c3_refuses_other_connections():
    with pytest.raises(ValueError, match=r"input_shape=\(None, 14, 14, 5\)"):
        PartialConv2D(16, 5).build((None, 14, 14, 5))


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
