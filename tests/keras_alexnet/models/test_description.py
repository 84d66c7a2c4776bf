import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import alexnet
from keras_alexnet.models.description import describe_layers, describe_network
from keras_alexnet.models.layer_table import layer_table
from keras_alexnet.models.lenet_geometry import LENET_WINDOWS
from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import PRESETS, SMALL_PRESETS, find_preset
from tests import small

LARGE = 515  # pixels: units in the middle of pool5 see no edge
NARROW = {"filters": (2, 2, 2, 2, 2), "units": 2, "input_size": LARGE}
KINDS = (*PRESETS, "non_overlapping")


def large(kind):
    """A network of few maps and many pixels, and its preset."""
    options = NARROW
    if kind not in PRESETS:
        kind, options = "released", {**NARROW, "pooling": kind}
    if kind in ("one_gpu", "one_weird_trick"):
        options = {**options, "groups": (1,) * 5}
    preset = find_preset(kind).replace(**options)
    return alexnet(preset, 2, seed=0), preset


def linear_stand_in(model):
    """Outputs by name of a network of one map that adds up what ours looks at."""
    x = images = keras.Input((LARGE, LARGE, 1))
    outputs = {}
    for layer in model.layers:
        if layer.name == "flatten":
            return keras.Model(images, outputs)
        if isinstance(layer, keras.layers.ZeroPadding2D):
            x = keras.layers.ZeroPadding2D(layer.padding)(x)
        elif isinstance(layer, keras.layers.Conv2D):
            x = keras.layers.Conv2D(
                *(1, layer.kernel_size, layer.strides, layer.padding),
                kernel_initializer="ones",
            )(x)
        elif isinstance(layer, keras.layers.MaxPooling2D):
            window = (layer.pool_size, layer.strides, layer.padding)
            x = keras.layers.AveragePooling2D(*window)(x)
        elif hasattr(layer, "size"):  # the in-map normalisation
            x = keras.layers.AveragePooling2D(layer.size, 1, "same")(x)
        outputs[layer.name] = x
    raise AssertionError("no fully connected layer")


def support(gradient):
    """First and last row of an image that a unit sees."""
    rows = np.flatnonzero(gradient.numpy()[0, :, :, 0].any(axis=1))
    assert len(rows) == rows[-1] - rows[0] + 1  # without holes
    return rows[0], rows[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_receptive_fields_and_strides_are_the_support_of_a_gradient(kind):
    model, preset = large(kind)
    described = {layer.name: layer for layer in describe_layers(preset, 2)}
    stand_in = linear_stand_in(model)
    stand_in_side = {name: maps.shape[1] for name, maps in stand_in.output.items()}
    images = tf.ones((1, LARGE, LARGE, 1))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(images)
        # Units in the middle, and the next ones below.
        units = {
            name: [
                maps[0, maps.shape[1] // 2 + next_, maps.shape[2] // 2, 0]
                for next_ in (0, 1)
            ]
            for name, maps in stand_in(images).items()
            if name in described
        }
    assert {"conv1", "pool1", "conv2", "conv5", "pool5"} <= {*units}
    for name, pair in units.items():
        seen = [support(tape.gradient(unit, images)) for unit in pair]
        (first, last), (later, _) = seen
        assert first > 0 and last < LARGE - 1, name
        assert described[name].receptive_field == last - first + 1, name
        place = stand_in_side[name] // 2
        assert first == described[name].offset + place * described[name].stride, name
        assert described[name].stride == later - first, name


def test_receptive_fields_by_hand():
    """11; 11 + 2 * 4; + 4 * 8; + 2 * 8; then 2 * 16 for each of three; + 2 * 16."""
    layers = {x.name: x for x in describe_layers(find_preset("paper"))}
    names = ("conv1", "pool1", "conv2", "pool2", "conv3", "conv4", "conv5", "pool5")
    found = [(layers[n].receptive_field, layers[n].stride) for n in names]
    fields, strides = (11, 19, 51, 67, 99, 131, 163, 195), (4, 8, 8, *[16] * 4, 32)
    assert found == list(zip(fields, strides, strict=True))
    assert (layers["fc6"].receptive_field, layers["fc6"].stride) == (224, 0)


@pytest.mark.parametrize("name", PRESETS)
def test_shapes_and_parameters_are_those_of_the_network(name):
    fields = {**small.NETWORK, "filters": (8, 12, 16, 20, 24)}
    layers = describe_layers(find_preset(name).replace(**fields), 7)
    model = alexnet(name, 7, seed=0, **fields)
    built = {layer.name: layer.output.shape[1:] for layer in model.layers}
    shapes = {layer.name: layer.shape for layer in layers}
    for layer in {*built} & {*shapes}:
        assert shapes[layer] == built[layer]
        assert shapes.get(f"{layer}_pre", built[layer]) == built[layer]
    assert shapes["probabilities"] == (7,)
    assert sum(layer.parameters for layer in layers) == model.count_params()
    table = layer_table(find_preset(name).replace(**fields), 7)
    assert sum(x.macs for x in layers) == sum(x.macs for x in table.values())
    for layer in layers:
        assert layer.bytes == 4 * np.prod(layer.shape)


def test_a_description_has_all_that_makes_the_preset_again():
    preset = find_preset("one_weird_trick")
    found = describe_network(preset)
    assert preset.replace(**found["network"], **found["recipe"]) == preset
    assert found["parameters"] == 61_100_840  # torchvision's alexnet
    assert found["macs"] == 714_188_480  # conv and linear of torchvision's, counted
    named = {layer["name"]: layer["aliases"] for layer in found["layers"]}
    assert named["conv5_pre"] == ("features.10",) and named["conv1"] == ("features.1",)
    assert found["memory"]["inference"]["fixed"] == 4 * found["parameters"]


@pytest.mark.parametrize(
    ("name", "total"), [("lenet5", 61_706), ("lenet5-1998", 60_000)]
)
def test_a_lenet_is_described_as_it_is_built(name, total):
    model = network_of(SMALL_PRESETS[name], 10)
    found = describe_network(SMALL_PRESETS[name], 10)
    layers = {x.name: x for x in describe_layers(SMALL_PRESETS[name], 10)}
    for layer in model.layers:
        trained = sum(int(np.prod(w.shape)) for w in layer.trainable_weights)
        rows = [layers[n] for n in (layer.name, f"{layer.name}_pre") if n in layers]
        assert sum(row.parameters for row in rows) == trained
        assert all(row.shape == layer.output.shape[1:] for row in rows)
    assert found["parameters"] == total  # spec 9; without the 840 fixed codes of 1998
    memory = found["memory"]
    assert memory["inference"]["fixed"] == 4 * total
    assert memory["training"]["fixed"] > 3 * 4 * total
    # c1 is the largest; a picture comes in uint8 and becomes float32.
    assert memory["inference"]["image"] == 5 * 4 * 28 * 28 * 6 + 5 * 32 * 32 * 3
    # Of 5 x 5: 28 * 28 * 6 of one map, and so on; a coefficient each for a pool.
    links, learnt = (60, 1176 + 400) if name == "lenet5-1998" else (96, 840)
    convolved = 25 * (784 * 6 + 100 * links + 16 * 120)
    assert found["macs"] == convolved + learnt + 120 * 84


def test_receptive_fields_of_a_lenet_by_hand():
    """5; + 1; + 4 * 2; + 1 * 2; + 4 * 4, which is the whole picture."""
    layers = {x.name: x for x in describe_layers(SMALL_PRESETS["lenet5-1998"], 10)}
    found = [(x, layers[x].receptive_field, layers[x].stride) for x in LENET_WINDOWS]
    assert found == [
        *(("c1", 5, 1), ("s2", 6, 2), ("c3", 14, 2), ("s4", 16, 4), ("c5", 32, 0)),
    ]
