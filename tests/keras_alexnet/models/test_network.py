import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import PRESETS, alexnet
from keras_alexnet.models.layer_table import layer_table
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests.keras_alexnet.models.conftest import (
    BFLOAT16,
    NORM_STEPS,
    SIZE,
    SMALL,
    TERMS,
    names,
    photos,
    small,
    with_random_weights,
)
from tests.reference import alexnet_logits, network_bound, relative

# --- The networks at full size -------------------------------------------------------

TOTALS = dict.fromkeys(PRESETS, 60_965_224) | {
    "one_weird_trick": 61_100_840,
    "one_gpu": 59_798_312,
}
STDS = {  # spec 3.1
    "paper": [0.01] * 8,
    "released": [0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01],
    "caffe_alexnet": [0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01],
    "caffenet": [0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01],
    "one_weird_trick": [0.01, 0.01, 0.01, 0.01, 0.01, 0.005, 0.005, 0.01],  # Caffe's
    "one_gpu": [0.01, 0.01, 0.03, 0.03, 0.03, 0.01, 0.01, 0.01],
}
BIASES = dict.fromkeys(PRESETS, [0, 1, 0, 1, 1, 1, 1, 0]) | {
    "caffe_alexnet": [0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0],
    "one_weird_trick": [0, 0.1, 0, 0.1, 0.1, 0.1, 0.1, 0],
}
SPREAD = {  # of a logit over 64 pictures, spec 3.3; a hundredth for [0, 1] inputs
    "paper": 0.0030,
    "released": 0.044,
}


@pytest.fixture(scope="module", params=PRESETS)
def full(request):
    """Each preset as it is, built once."""
    return request.param, alexnet(request.param, seed=1)


def sample(layer):
    """Return at most a quarter of a million weights of a kernel."""
    kernel = tf.reshape(layer.kernel.value, (-1,))
    return kernel[:: max(1, kernel.shape[0] // 250_000)].numpy().astype(np.float64)


def test_every_preset_has_its_exact_parameter_counts(full):
    preset, model = full
    counts = {x.name: x.count_params() for x in model.layers if x.weights}
    table = layer_table(PRESETS[preset])  # whose figures have a test of their own
    assert counts == {name: size.parameters for name, size in table.items()}
    assert model.count_params() == TOTALS[preset]


def test_initial_values_are_those_of_the_source(full):
    preset, model = full
    layers = [layer for layer in model.layers if layer.weights]
    for layer, std, bias in zip(layers, STDS[preset], BIASES[preset], strict=True):
        kernel = sample(layer)
        spread = 1 / np.sqrt(kernel.size)
        assert kernel.std() == pytest.approx(std, rel=4 * spread), layer.name
        assert abs(kernel.mean()) < 5 * std * spread, layer.name
        np.testing.assert_array_equal(layer.bias, np.float32(bias))


def test_gaussians_are_not_truncated(full):
    preset, model = full
    beyond = np.mean(np.abs(sample(model.get_layer("fc6"))) > 3 * STDS[preset][5])
    assert beyond == pytest.approx(0.0027, abs=4e-4)


def test_maps_and_vectors_have_the_sizes_of_the_paper(full):
    preset, model = full
    shapes = {x.name: x.output.shape[1:] for x in model.layers}
    filters = PRESETS[preset].filters
    assert shapes["conv1"] == (55, 55, filters[0])
    assert shapes["pool1"] == (27, 27, filters[0])
    assert shapes["conv2"] == (27, 27, filters[1])
    assert shapes["pool2"] == (13, 13, filters[1])
    assert shapes["conv3"] == (13, 13, filters[2])
    assert shapes["conv4"] == (13, 13, filters[3])
    assert shapes["conv5"] == (13, 13, filters[4])
    assert shapes["pool5"] == (6, 6, 256)
    assert shapes["fc6"] == shapes["fc7"] == (4096,)
    assert shapes["fc8"] == (1000,)
    size = 227 if preset.startswith("caffe") else 224
    assert model.input_shape == (None, size, size, 3)


@pytest.mark.parametrize("full", list(SPREAD), indirect=True)
def test_initial_logits_have_the_spread_of_raw_scale_inputs(full):
    preset, model = full
    logits = model(photos(12, model.input_shape[1])).numpy()
    assert SPREAD[preset] / 2 < logits.std(0).mean() < SPREAD[preset] * 2


# --- Names, order and geometry -------------------------------------------------------

HEAD = ["flatten", "fc6", "drop6", "fc7", "drop7", "fc8"]
PAPER = [
    *("images", "pad1", "conv1", "norm1", "pool1", "conv2", "norm2", "pool2"),
    *("conv3", "conv4", "conv5", "pool5", *HEAD),
]
CAFFENET = [
    *("images", "conv1", "pool1", "norm1", "conv2", "pool2", "norm2"),
    *("conv3", "conv4", "conv5", "pool5", *HEAD),
]
RELEASED = [
    *("images", "pad1", "conv1", "norm1", "pool1", "relu1"),
    *("conv2", "norm2", "in_map2", "pool2", "conv3", "conv4", "conv5", "pool5", *HEAD),
]
NAMES = {
    "paper": PAPER,
    "released": RELEASED,
    "one_gpu": RELEASED,
    "caffe_alexnet": [name for name in PAPER if name != "pad1"],
    "caffenet": CAFFENET,
    "one_weird_trick": [
        *("images", "pad1", "conv1", "pool1", "conv2", "pool2"),
        *("conv3", "conv4", "conv5", "pool5"),
        *("flatten", "drop6", "fc6", "drop7", "fc7", "fc8"),
    ],
}


def test_layer_names_and_order_are_fixed(full):
    preset, model = full
    assert names(model) == NAMES[preset]
    assert model.name == f"alexnet_{preset}"


def test_the_default_is_the_released_network():
    assert names(alexnet(num_classes=2, **SMALL)) == RELEASED


# --- What the network computes -------------------------------------------------------


@pytest.mark.parametrize("preset", ["paper", "released", "caffe_alexnet", "caffenet"])
def test_logits_are_those_of_the_float64_network(preset):
    model = with_random_weights(small(preset))
    images = photos(2, SIZE)
    expected = alexnet_logits(model, preset, images)
    limit = network_bound("float32", TERMS, NORM_STEPS)
    assert relative(model(images), expected) < limit


def test_towers_meet_at_conv3_and_not_before():
    model = with_random_weights(small("released"))
    after_pool1 = keras.Model(
        model.get_layer("pool1").output,
        [model.get_layer(name).output for name in ("conv2", "pool2", "conv3")],
    )
    maps = np.random.default_rng(0).normal(size=(1, 7, 7, 8)).astype(np.float32)
    changed = maps.copy()
    changed[..., :4] *= -2
    (conv2, pool2, conv3), (other2, other_pool2, other3) = (
        after_pool1(maps),
        after_pool1(changed),
    )
    for before, after in [(conv2, other2), (pool2, other_pool2)]:
        np.testing.assert_array_equal(before[..., 8:], after[..., 8:])
        assert (before.numpy() != after.numpy())[..., :8].any()
    seen = (conv3.numpy() != other3.numpy()).any((0, 1, 2))
    assert seen[:8].any() and seen[8:].any()


@pytest.mark.parametrize(("preset", "crosses"), [("paper", False), ("caffenet", True)])
def test_the_norm_crosses_the_seam_only_in_caffe(preset, crosses):
    model = small(preset)
    norm = model.get_layer("norm1")
    maps = np.full((1, 2, 2, 8), 100, np.float32)
    changed = maps.copy()
    changed[..., :4] = 200
    differs = (norm(maps).numpy() != norm(changed).numpy()).any((0, 1, 2))
    assert differs.tolist() == [True] * 4 + [crosses] * 2 + [False] * 2


def test_conv4_and_conv5_keep_the_towers_apart_and_conv3_does_not():
    model = small()
    groups = [model.get_layer(f"conv{i}").groups for i in range(1, 6)]
    assert groups == [1, 2, 1, 2, 2]


# --- Seeds ---------------------------------------------------------------------------


def test_the_seed_gives_the_initial_weights():
    one, same, other = small(seed=3), small(seed=3), small(seed=4)
    for a, b in zip(one.get_weights(), same.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for layer in one.layers:
        if layer.weights:
            kernel = other.get_layer(layer.name).kernel
            assert (layer.kernel.numpy() != kernel.numpy()).all(), layer.name


def test_without_a_seed_every_network_is_another():
    one, other = small(seed=None), small(seed=None)
    assert (
        (one.get_layer("conv1").kernel != other.get_layer("conv1").kernel).numpy().all()
    )


def test_layers_of_one_shape_start_differently():
    model = small(filters=(8, 16, 16, 16, 16))
    conv4, conv5 = (model.get_layer(name).kernel.numpy() for name in ("conv4", "conv5"))
    assert conv4.shape == conv5.shape
    assert (conv4 != conv5).all()


def test_the_seed_gives_the_dropout_masks_and_each_layer_has_its_own():
    def drop(model, name):
        return model.get_layer(name)(np.ones((9, 32), "f"), training=True).numpy()

    one, same = small(seed=3), small(seed=3)
    six, seven = drop(one, "drop6"), drop(one, "drop7")
    np.testing.assert_array_equal(six, drop(same, "drop6"))
    np.testing.assert_array_equal(seven, drop(same, "drop7"))
    assert (six != seven).any()


# --- Overrides -----------------------------------------------------------------------


@pytest.mark.parametrize("preset", ["paper", "released"])
def test_tanh_replaces_every_relu(preset):
    model = small(preset, activation="tanh")
    kinds = [
        getattr(layer, "activation", None) and layer.activation.__name__
        for layer in model.layers
    ]
    assert "relu" not in kinds
    assert kinds.count("tanh") == 7
    assert ("tanh1" in names(model)) == (preset == "released")


def test_lrn_false_removes_every_normalisation():
    left_out = {"norm1", "norm2", "in_map2"}
    remaining = [name for name in RELEASED if name not in left_out]
    assert names(small(lrn=False, input_size=224)) == remaining


def test_lrn_constants_can_be_given():
    constants = {"depth_radius": 1, "bias": 1.0, "alpha": 0.5, "beta": 0.6}
    model = small(lrn={**constants, "per_tower": False})
    for name in ("norm1", "norm2"):
        config = model.get_layer(name).get_config()
        assert {**constants, "groups": 1}.items() <= config.items()


@pytest.mark.parametrize(
    ("dropout", "kind"),
    [("original", "OriginalDropout"), ("inverted", "InvertedDropout"), (None, None)],
)
def test_dropout_can_be_chosen(dropout, kind):
    model = small(dropout=dropout, dropout_rate=0.3)
    layers = [layer for layer in model.layers if layer.name.startswith("drop")]
    assert [type(layer).__name__ for layer in layers] == [kind] * 2 * bool(kind)
    assert all(layer.rate == 0.3 for layer in layers)


def test_every_field_that_shapes_the_network_can_be_given():
    model = small(
        filters=(4, 8, 12, 16, 20),
        groups=(1, 4, 2, 4, 1),
        units=7,
        weight_std=(0.5,) * 8,
        biases=(3,) * 8,
        block2=("activation", "pool"),
        conv1_padding=3,
    )
    assert [model.get_layer(f"conv{i}").filters for i in range(1, 6)] == [
        *(4, 8, 12, 16, 20)
    ]
    assert [model.get_layer(f"conv{i}").groups for i in range(1, 6)] == [1, 4, 2, 4, 1]
    assert model.get_layer("fc6").units == model.get_layer("fc7").units == 7
    assert model.get_layer("conv3").kernel.numpy().std() == pytest.approx(0.5, rel=0.2)
    np.testing.assert_array_equal(model.get_layer("fc8").bias, 3)
    assert not {"norm2", "in_map2"} & set(names(model))
    assert model.get_layer("pad1").output.shape[1:3] == (SIZE + 6, SIZE + 6)


@pytest.mark.parametrize("num_classes", [1, 2, 1001])
def test_any_class_count(num_classes):
    assert small(num_classes=num_classes).output_shape == (None, num_classes)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"preset": "alexnet"}, "Unknown preset 'alexnet'.*released"),
        ({"num_classes": 0}, "num_classes >= 1. Received: 0"),
        ({"colour": 1}, "Unknown preset field colour.*filters"),
        ({"activation": "gelu"}, "activation.*Received: 'gelu'"),
        ({"pooling": "max"}, "pooling.*Received: 'max'"),
        ({"dropout": 0.5}, "dropout.*Received: 0.5"),
        ({"filters": (8, 16)}, r"filters needs 5 values. Received: \(8, 16\)"),
        ({"block1": ("activation", "norm")}, "block1.*'norm'"),
    ],
)
def test_bad_arguments_are_refused_with_what_arrived(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


# --- Precision, training, saving -----------------------------------------------------


@pytest.mark.parametrize("policy", ["float32", BFLOAT16, "mixed_float16"])
def test_one_step_trains_in_every_precision(policy):
    model = with_random_weights(small(dtype=policy))
    assert model.get_layer("conv2").compute_dtype == policy.removeprefix("mixed_")
    before = model.get_weights()
    optimizer = CoupledSGD(1e-4)
    if policy == "mixed_float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=64)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, jit_compile=False)
    images, labels = photos(4, SIZE), np.array([0, 1, 2, 4])
    assert np.isfinite(model.train_on_batch(images, labels))
    for variable, old in zip(model.weights, before, strict=True):
        assert variable.dtype == "float32"
        assert np.isfinite(variable.numpy()).all()
        assert (variable.numpy() != old).any(), variable.path


@pytest.mark.parametrize(
    ("dtype", "logits"),
    [
        pytest.param("mixed_bfloat16", "float32", marks=pytest.mark.bfloat16),
        ("mixed_float16", "float32"),
        ("float64", "float64"),
    ],
)
def test_logits_keep_full_precision(dtype, logits):
    model = with_random_weights(small(dtype=dtype))
    exact = with_random_weights(small())
    images = photos(2, SIZE)
    assert model.get_layer("fc8").compute_dtype == logits
    y = model(images)
    assert y.dtype == logits
    # Normalisations are float32 with every policy, and so is the other network. Kernels
    # add bfloat16 up in float32; float16 they may not.
    limit = network_bound("float32", TERMS, NORM_STEPS)
    terms = TERMS if dtype == "mixed_float16" else [1] * len(TERMS)
    limit += network_bound(dtype, terms)
    assert relative(y, exact(images)) < limit


def test_the_global_policy_is_the_default():
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = small()
    finally:
        keras.config.set_dtype_policy(before)
    assert model.get_layer("conv1").compute_dtype == "bfloat16"
    assert model.get_layer("norm1").compute_dtype == "bfloat16"
    assert model.get_layer("fc8").compute_dtype == "float32"


@pytest.mark.parametrize("preset", PRESETS)
def test_a_saved_network_comes_back_the_same(preset, tmp_path):
    model = with_random_weights(small(preset))
    model.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    images = photos(2, SIZE)
    assert names(again) == names(model)
    np.testing.assert_array_equal(again(images), model(images))
    masked = again(images, training=True).numpy()
    np.testing.assert_array_equal(masked, model(images, training=True))
    assert (masked != again(images).numpy()).any()


def test_it_is_uncompiled_and_gives_no_probabilities():
    model = with_random_weights(small())
    assert not model.compiled
    assert (tf.reduce_sum(model(photos(2, SIZE)), axis=-1).numpy() != 1).all()
