import sys

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import shape_inference
from scipy.special import softmax

from keras_alexnet import PRESETS, SMALL_PRESETS, alexnet, cifar_net, lenet5
from keras_alexnet.export import onnx_graph as module
from keras_alexnet.export import onnx_layers
from keras_alexnet.export.onnx_graph import onnx_graph
from keras_alexnet.models import of_preset
from keras_alexnet.presets import LRN
from keras_alexnet.towers.network import two_towers
from keras_alexnet.version import VERSION
from tests.keras_alexnet.models.conftest import (
    NORM_STEPS,
    SIZE,
    SMALL,
    TERMS,
    photos,
    with_random_weights,
)
from tests.reference import network_bound, relative
from tests.small import CIFAR_NETS, LENETS
from tfrecords.errors import UserError

PROMISED = 1e-4  # of probabilities
LOGITS = network_bound("float32", TERMS, NORM_STEPS)
SMALL_LOGITS = network_bound("float32", (75, 800, 800, 1024, 64), NORM_STEPS)
LENET_LOGITS = network_bound("float32", (25, 4, 150, 4, 400, 120, 84), NORM_STEPS)
BLOCKS = {"block1": ("lrn", "activation", "pool"), "block2": ("pool", "in_map")}
VARIANTS = [
    ("released", {"lrn": False}),
    ("released", {"activation": "tanh", "pooling": "non_overlapping"}),
    ("released", {"input_size": 69}),  # two more zeros; 67 needs none
    ("released", {"dropout": "inverted", "num_classes": 1}),
    ("released", {"dropout": None, "groups": (1, 4, 2, 1, 4)}),
    ("paper", {"dropout_before": True, "dropout_rate": 0.3, "input_size": 99}),
    ("paper", {"lrn": LRN(9, 1, 1e-3, 0.5, per_tower=False), **BLOCKS}),
    ("caffe_alexnet", {"lrn": LRN(1, 2, 0, 1), "conv1_padding": 3}),
]


def network_of(preset, num_classes=7, **overrides):
    given = {**SMALL, "input_size": SIZE, "seed": 0, "dtype": "float32", **overrides}
    return with_random_weights(alexnet(preset, num_classes, **given))


def with_other_weights(model):
    """A LeNet-5 none of whose weights is at its first value, bar the fixed codes."""
    generator = np.random.default_rng(4)
    for weight in model.trainable_weights:
        weight.assign(weight + generator.normal(size=weight.shape) * 0.1)
    return model


def answers(graph, images):
    """Return probabilities and logits of ONNX Runtime; ONNX's own LRN is wrong."""
    providers = ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=providers
    )
    moved = np.ascontiguousarray(np.moveaxis(images, -1, 1))
    return session.run(["probabilities", "logits"], {"images": moved})


def assert_same(model, images, bound):
    graph = onnx_graph(model)
    logits = model(images, training=False).numpy()
    expected = softmax(logits, axis=1)
    for count in (1, 2, 5):
        probabilities, found = answers(graph, images[:count])
        assert relative(found, logits[:count]) < min(bound, 1e-5)
        # A probability moves at most half as far as the logits do.
        limit = min(bound * np.abs(logits).max() / 2, PROMISED) + 2**-23
        np.testing.assert_allclose(probabilities, expected[:count], atol=limit)
        assert probabilities.dtype == found.dtype == np.float32
    for found in answers(graph, images[:0]):
        assert found.shape == (0, model.output_shape[-1])
    return logits


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_answers_as_in_keras(preset):
    logits = assert_same(network_of(preset), photos(5, SIZE), LOGITS)
    assert np.ptp(logits) > 0.1  # or any answer would do


@pytest.mark.parametrize("preset, overrides", VARIANTS)
def test_whatever_is_overridden_the_answers_are_those_of_keras(preset, overrides):
    model = network_of(preset, **overrides)
    assert_same(model, photos(5, model.input_shape[1]), LOGITS)


@pytest.mark.parametrize(
    "options",
    [{"form": "1998"}, {"num_classes": 3}, {"pooling": "max"}],
    ids=["1998", "average", "max"],
)
def test_every_lenet_answers_as_in_keras(options):
    images = np.random.default_rng(5).uniform(-0.1, 1.175, (5, 32, 32, 1))
    assert_same(
        with_other_weights(lenet5(seed=3, **options)),
        images.astype(np.float32),
        LENET_LOGITS,
    )


@pytest.mark.parametrize("preset", LENETS)
def test_every_lenet_of_a_preset_takes_colours(preset):
    images = np.random.default_rng(5).integers(0, 256, (5, 32, 32, 3))
    model = with_other_weights(of_preset.network_of(SMALL_PRESETS[preset], 10))
    assert_same(model, images.astype(np.float32), LENET_LOGITS)


@pytest.mark.parametrize("preset", CIFAR_NETS)
@pytest.mark.parametrize("options", [{}, {"activation": "tanh", "lrn": False}])
def test_every_small_net_answers_as_in_keras(preset, options):
    model = with_random_weights(cifar_net(preset, dtype="float32", **options))
    assert_same(model, photos(5, model.input_shape[1]), SMALL_LOGITS)


@pytest.mark.parametrize("preset", [*PRESETS, *CIFAR_NETS, "lenet", *LENETS])
def test_all_maps_have_the_shapes_of_keras_and_nothing_is_turned(preset):
    if preset == "lenet":
        model = lenet5(form="1998")
    elif preset in LENETS:
        model = of_preset.network_of(SMALL_PRESETS[preset], 10)
    else:
        model = network_of(preset) if preset in PRESETS else cifar_net(preset)
    graph = onnx_graph(model)
    inferred = shape_inference.infer_shapes(graph, strict_mode=True, data_prop=True)
    shapes = {
        value.name: [d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*inferred.graph.input, *inferred.graph.value_info)
    }
    checked = 0
    for layer in model.layers:
        if layer.name in shapes:
            _, *sides = layer.output.shape
            assert shapes[layer.name][1:] == [*sides[-1:], *sides[:-1]], layer.name
            checked += 1
    assert checked > len(model.layers) - 6  # pads, dropouts and the logits have none
    kinds = {node.op_type for node in graph.graph.node}
    own = {"Transpose", "Pad"} if "local3" in shapes else set()  # of an unshared layer
    assert not kinds & {"Transpose", "Pad", "Pow", "Identity"} - own


def test_the_file_is_what_other_programs_expect():
    model = network_of("released", 5)
    graph = onnx_graph(model, metadata={"card": '{"a": "Grün"}', "more": ""})
    (opset,) = graph.opset_import
    assert (opset.domain, opset.version, graph.ir_version) == ("", 17, 8)
    assert (graph.producer_name, graph.producer_version) == ("keras-alexnet", VERSION)
    stored = {entry.key: entry.value for entry in graph.metadata_props}
    assert stored == {"card": '{"a": "Grün"}', "more": ""}
    declared = {
        value.name: [
            d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim
        ]
        for value in (*graph.graph.input, *graph.graph.output)
    }
    assert declared == {
        "images": ["N", 3, SIZE, SIZE],
        "probabilities": ["N", 5],
        "logits": ["N", 5],
    }
    named = {a.name: onnx.numpy_helper.to_array(a) for a in graph.graph.initializer}
    fc8 = model.get_layer("fc8")
    np.testing.assert_array_equal(named["fc8.kernel"], fc8.kernel * 0.5)  # dropout's
    np.testing.assert_array_equal(named["fc8.bias"], fc8.bias)
    weights = {f"{x.name}.{w.name}" for x in model.layers for w in x.weights}
    assert {n for n in weights if "seed" not in n} <= {*named}


def test_equal_networks_are_equal_bytes_and_so_is_one_that_was_saved(tmp_path):
    model = network_of("released")
    expected = onnx_graph(model).SerializeToString(deterministic=True)
    model.save(tmp_path / "network.keras")
    for other in (
        network_of("released"),
        keras.saving.load_model(tmp_path / "network.keras"),
    ):
        assert onnx_graph(other).SerializeToString(deterministic=True) == expected


def test_weights_of_16_bits_are_taken_as_float32():
    narrow = network_of("paper", dtype="bfloat16")
    wide = network_of("paper")
    wide.set_weights([np.asarray(w, np.float32) for w in narrow.get_weights()])
    assert onnx_graph(narrow) == onnx_graph(wide)


def chain(*layers, shape=(8, 8, 3)):
    x = images = keras.Input(shape, name="images")
    for layer in (*layers, keras.layers.Flatten(), keras.layers.Dense(3)):
        x = layer(x)
    return keras.Model(images, x, name="mine")


@pytest.mark.parametrize(
    "layer",
    [
        keras.layers.GaussianNoise(0.1, name="odd"),
        keras.layers.ReLU(name="odd"),
        keras.layers.MaxPooling2D(data_format="channels_first", name="odd"),
    ],
)
def test_an_unknown_layer_is_named(layer):
    kind = type(layer).__name__
    with pytest.raises(UserError, match=f"GroupedConv2D.*odd, a {kind}.*SavedModel"):
        onnx_graph(chain(layer))


def test_an_unknown_activation_is_named():
    for layer in (
        keras.layers.Activation("gelu", name="odd"),
        keras.layers.Conv2D(2, 3, activation="gelu", name="odd"),
    ):
        with pytest.raises(UserError, match="relu, tanh.*gelu in odd"):
            onnx_graph(chain(layer))


def test_what_is_no_chain_from_maps_to_classes_is_refused():
    with pytest.raises(UserError, match="one chain.*conv1_b of two_towers_paper"):
        onnx_graph(two_towers("paper", 3, SIZE, devices=("CPU:0",) * 2, **SMALL))
    dense = keras.layers.Dense(2)
    with pytest.raises(UserError, match="from maps.*flat"):
        onnx_graph(keras.Sequential([keras.Input((4,)), dense], name="flat"))
    images = keras.Input((8, 8, 3))
    x = keras.layers.Conv2D(3, 3, padding="same", name="first")(images)
    x = keras.layers.Flatten()(keras.layers.Add(name="sum")([x, images]))
    with pytest.raises(UserError, match="one chain.*the layer sum of branched"):
        onnx_graph(keras.Model(images, x, name="branched"))


def test_more_than_a_file_holds_is_refused_before_it_is_made(monkeypatch):
    model = network_of("paper")
    count = 4 * model.count_params()
    monkeypatch.setattr(module, "LARGEST", count)
    onnx_graph(model)
    monkeypatch.setattr(module, "LARGEST", count - 1)
    with pytest.raises(UserError, match=f"most {count - 1} bytes.*got {count}"):
        onnx_graph(model)


def test_what_is_made_is_checked(monkeypatch):
    def wrong(kind, **attributes):
        def add(graph, layer):
            graph.add(kind, graph.tensor, **attributes)

        monkeypatch.setitem(onnx_layers._LAYERS, keras.layers.Dropout, add)
        return chain(keras.layers.Dropout(0.5))

    with pytest.raises(onnx.checker.ValidationError, match="NoSuchOperator"):
        onnx_graph(wrong("NoSuchOperator"))
    pool = {"kernel_shape": [9, 9, 9]}  # valid but for the shapes
    with pytest.raises(onnx.shape_inference.InferenceError):
        onnx_graph(wrong("MaxPool", **pool))


def test_without_the_package_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r"pip install 'keras-alexnet\[onnx\]'"):
        onnx_graph(lenet5())
