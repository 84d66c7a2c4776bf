import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import alexnet, copy_weights, two_towers
from keras_alexnet.towers.weights import merge, tower_variables
from keras_alexnet.training.devices.distributed_model import DistributedModel
from keras_alexnet.training.update.optimizer import CoupledSGD
from tests.keras_alexnet.models.conftest import (
    BFLOAT16,
    NORM_STEPS,
    SIZE,
    SMALL,
    TERMS,
    photos,
    with_random_weights,
)
from tests.reference import network_bound, relative, rounding_bound, training_bound
from tests.tools import logical_devices

TWO_TOWERS = ["paper", "released", "caffe_alexnet", "caffenet"]
CAFFE_LRN = {"bias": 1.0, "alpha": 1e-3, "per_tower": False}
VARIANTS = {
    **{preset: (preset, {}) for preset in TWO_TOWERS},
    "without norms and dropout": ("released", {"lrn": False, "dropout": None}),
    "other norms and 224's zeros": (
        "released",
        {"lrn": {**CAFFE_LRN, "depth_radius": 3}, "input_size": 80},
    ),
    "tanh and small pools": (
        "released",
        {"activation": "tanh", "pooling": "non_overlapping", "input_size": 96},
    ),
    "inverted": ("released", {"dropout": "inverted", "dropout_rate": 0.3}),
    "dropout before": ("paper", {"dropout_before": True}),
    "crossing conv2": ("paper", {"groups": (1, 1, 2, 4, 2)}),
}
# The block orders that are in no preset.
VARIANTS["linear conv2"] = ("released", {"block2": ("lrn", "in_map", "pool")})


# Two programs, both of which round.
SAME = 2 * network_bound("float32", TERMS, NORM_STEPS)
SAME_GRADIENT = 2 * network_bound("float32", [*TERMS, *TERMS], NORM_STEPS)
SAME_AFTER_TEN_STEPS = training_bound("float32", TERMS, 10)


def pair(name, **options):
    """The same network in one piece and in towers, with weights that all count."""
    preset, overrides = VARIANTS[name]
    options = {"input_size": SIZE, "seed": 1, **SMALL, **overrides, **options}
    whole = with_random_weights(alexnet(preset, 5, **options))
    towers = two_towers(preset, 5, devices=None, **options)
    copy_weights(whole, towers)
    return whole, towers


def gradients(model, images, labels, training):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = loss(labels, model(images, training=training))
    slopes = tape.gradient(value, [w.value for w in model.trainable_weights])
    names = {id(v): name for name, v in tower_variables(model).items()}
    named = {
        names[id(w)]: slope.numpy()
        for w, slope in zip(model.trainable_weights, slopes, strict=True)
    }
    return float(value), merge(named)


@pytest.mark.parametrize("name", VARIANTS)
def test_outputs_and_gradients_are_those_of_the_network_in_one_piece(name):
    whole, towers = pair(name)
    images, labels = photos(4, whole.input_shape[1]), np.arange(4)
    logits = whole(images).numpy()
    assert relative(towers(images), logits) < SAME
    for training in (False, True) if name == "released" else (True,):
        loss, expected = gradients(whole, images, labels, training)
        other_loss, actual = gradients(towers, images, labels, training)
        # A loss moves at most twice as far as a logit.
        near = 2 * SAME * max(1, float(np.abs(logits).max()))
        assert other_loss == pytest.approx(loss, abs=near)
        assert set(actual) == set(expected)
        for layer, slope in expected.items():
            assert np.abs(slope).max() > 0, layer
            assert relative(actual[layer], slope) < SAME_GRADIENT, layer


@pytest.mark.parametrize("name", ["released", "inverted"])
def test_dropout_drops_the_same_units_pass_after_pass(name):
    whole, towers = pair(name)
    images = photos(2, SIZE)
    first, second = (towers(images, training=True) for _ in range(2))
    assert relative(first, second) > 1e-3
    for masked in (first, second):
        assert relative(masked, whole(images, training=True)) < SAME


def trained(model, steps=10):
    distributed = DistributedModel(model.input, model.output)
    distributed.colocate = True
    optimizer = CoupledSGD(0.01, bias_rate=2.0)
    optimizer.build(distributed.trainable_variables)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    distributed.compile(optimizer, loss, jit_compile=False)
    batches = tf.data.Dataset.from_tensor_slices(
        (photos(8 * steps, SIZE) / 10, np.arange(8 * steps) % 5)
    ).batch(8)
    distributed.fit(batches, shuffle=False, verbose=0)
    return merge({n: v.numpy() for n, v in tower_variables(model).items()})


def test_ten_steps_of_training_give_the_same_weights():
    whole, towers = pair("released", dropout=None)
    start = {n: v.numpy() for n, v in tower_variables(whole).items()}
    expected, actual = trained(whole), trained(towers)
    for name, value in expected.items():
        assert relative(actual[name], value) < SAME_AFTER_TEN_STEPS, name
        if name.endswith("kernel"):
            assert relative(value, start[name]) > 1e-4, name


def test_initial_weights_are_those_of_the_seed():
    for preset in ("released", "caffenet"):
        options = {**SMALL, "seed": 3, "weight_std": (None,) * 4 + (0.1,) * 4}
        whole = alexnet(preset, 5, SIZE, **options)
        towers = two_towers(preset, 5, SIZE, devices=None, **options)
        expected = {n: v.numpy() for n, v in tower_variables(whole).items()}
        actual = merge({n: v.numpy() for n, v in tower_variables(towers).items()})
        assert set(actual) == set(expected)
        for name, value in expected.items():
            np.testing.assert_array_equal(actual[name], value, err_msg=name)


def test_full_size_towers_have_the_papers_shapes():
    model = two_towers("released", devices=None, seed=1)
    shapes = {x.name: x.output.shape[1:] for x in model.layers}
    assert model.count_params() == 60_965_224
    for tower in "ab":
        assert shapes[f"conv1_{tower}"] == (55, 55, 48)
        assert shapes[f"pool2_{tower}"] == (13, 13, 128)
        assert shapes[f"conv3_{tower}"] == (13, 13, 192)
        assert shapes[f"pool5_{tower}"] == (6, 6, 128)
        assert shapes[f"fc7_{tower}"] == (2048,)
        assert model.get_layer(f"conv2_{tower}").kernel.shape == (5, 5, 48, 128)
        assert model.get_layer(f"conv3_{tower}").kernel.shape == (3, 3, 256, 192)
    assert shapes["fc8"] == (1000,)


@pytest.mark.parametrize("name", ["released", "caffenet"])
def test_a_saved_network_comes_back_without_devices(name, tmp_path):
    _, towers = pair(name)
    towers.save(tmp_path / "net.keras")
    again = keras.models.load_model(tmp_path / "net.keras")
    images = photos(2, SIZE)
    np.testing.assert_array_equal(again(images), towers(images))
    np.testing.assert_array_equal(
        again(images, training=True), towers(images, training=True)
    )
    assert not any(getattr(layer, "places", ()) for layer in again.layers)


@pytest.mark.parametrize("policy", [BFLOAT16, "mixed_float16"])
def test_mixed_precision_is_that_of_the_network_in_one_piece(policy):
    whole, towers = pair("released", dtype=policy)
    images = photos(2, SIZE)
    assert towers.get_layer("conv3_b").compute_dtype == policy.removeprefix("mixed_")
    assert towers.get_layer("fc8").compute_dtype == "float32"
    # The same roundings of nearly the same numbers, after each of 8 layers: where they
    # go the other way, results differ by two unit round-offs.
    limit = 2 * rounding_bound(policy, 8, steps=0)
    assert relative(towers(images), whole(images)) < limit


@pytest.mark.parametrize(
    ("preset", "options", "message"),
    [
        ("one_gpu", {}, "two towers, one of paper, released.*'one_gpu' has one"),
        ("one_weird_trick", {}, "has one tower"),
        ("released", {"filters": (8, 15, 16, 16, 8)}, "even filters.*15"),
        ("released", {"units": 31}, "even filters and units.*units=31"),
        ("released", {"groups": (2, 2, 1, 2, 2)}, r"groups=\(2, 2"),
        ("released", {"groups": (1, 3, 1, 2, 2)}, r"groups=\(1, 3"),
        ("released", {"devices": ("CPU:0",)}, r"two devices.*\('CPU:0',\)"),
        ("released", {"devices": ("CPU:0", "GPU:7")}, "one of CPU:0.*'GPU:7'"),
        ("released", {"devices": ("CPU:0", "elsewhere")}, "'elsewhere'"),
        ("released", {"colour": 1}, "Unknown preset field colour"),
    ],
)
def test_what_cannot_be_is_refused_by_name(preset, options, message):
    options = {"devices": None, **SMALL, **options}
    with pytest.raises(ValueError, match=message):
        two_towers(preset, 5, SIZE, **options)


def test_without_gpus_the_default_devices_are_an_error():
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has GPUs")
    with pytest.raises(ValueError, match="'GPU:0'"):
        two_towers("released", 5, SIZE, **SMALL)


# --- On two devices ------------------------------------------------------------------

TRAINED_ON_TWO_DEVICES = """
from keras_alexnet.towers.devices import tower_devices
from keras_alexnet import copy_weights
from tests.keras_alexnet.towers import test_network as t
from tests.reference import relative
result = {}
whole, _ = t.pair("released")
devices = ("CPU:0", "CPU:1")
placed = t.two_towers("released", 5, t.SIZE, devices=devices, seed=1, **t.SMALL)
copy_weights(whole, placed)
images = t.photos(2, t.SIZE)
outputs = relative(placed(images), whole(images))
expected, actual = t.trained(whole), t.trained(placed)
weights = max(relative(actual[n], v) for n, v in expected.items())
result["values"] = [outputs, weights]
placed.save(FOLDER + "/placed.keras")
plain = keras.models.load_model(FOLDER + "/placed.keras")
with tower_devices(("CPU:1", "CPU:0")):
    swapped = keras.models.load_model(FOLDER + "/placed.keras")
result["reload"] = [relative(m(images), placed(images)) for m in (plain, swapped)]
result["devices"] = [
    [m.get_layer(f"conv{n}").kernel.value.device[-5:] for n in ("1_a", "1_b")]
    for m in (placed, plain, swapped)
]
result["jit"] = placed.get_layer("pool1_a").supports_jit
"""


@pytest.fixture(scope="module")
def on_two_devices(tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("towers"))
    return logical_devices.run(f"FOLDER = {folder!r}\n{TRAINED_ON_TWO_DEVICES}")


def test_two_devices_give_the_values_of_one_with_dropout(on_two_devices):
    outputs, weights = on_two_devices["values"]
    assert outputs < SAME and weights < SAME_AFTER_TEN_STEPS


def test_a_placed_network_loads_on_one_device_and_on_others(on_two_devices):
    assert max(on_two_devices["reload"]) < SAME
    placed, plain, swapped = on_two_devices["devices"]
    assert placed == ["CPU:0", "CPU:1"]
    assert plain == ["CPU:0", "CPU:0"]
    assert swapped == ["CPU:1", "CPU:0"]
    assert on_two_devices["jit"] is False
