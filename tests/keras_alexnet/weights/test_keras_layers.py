import json

import numpy as np
import pytest

from keras_alexnet import alexnet
from keras_alexnet.presets import LRN, PRESETS
from keras_alexnet.trained.misfit import WeightsMisfit
from keras_alexnet.weights.keras_layers import (
    CONSTANTS,
    check_layers,
    layers_of,
    preset_of,
)
from tests import small

# What layers say of themselves and only training, or the saving of them, reads.
OF_TRAINING = {
    *("name", "trainable", "dtype", "sparse", "ragged", "optional", "seed"),
    *("kernel_initializer", "bias_initializer", "noise_shape", "columns"),
    *("kernel_regularizer", "bias_regularizer", "activity_regularizer"),
    *("kernel_constraint", "bias_constraint"),
    *("quantization_config", "lora_rank", "lora_alpha"),  # Keras' of Dense; unused
}
ODD = {
    "input_size": 71,
    "conv1_padding": 2,
    "filters": (4, 8, 6, 6, 4),
    "groups": (1, 1, 2, 1, 2),
    "units": 5,
    "activation": "tanh",
    "block1": ("lrn", "activation", "in_map", "pool"),
    "block2": ("pool", "activation", "lrn"),
    "pooling": "non_overlapping",
    "lrn": LRN(3, 1.5, 2e-4, 0.5, False),
    "dropout": "inverted",
    "dropout_rate": 0.25,
    "dropout_before": True,
}


def document(model):
    return json.loads(model.to_json())


@pytest.mark.parametrize("name", PRESETS)
def test_a_network_of_a_preset_is_that_preset(name):
    preset = small.preset(name)
    model = alexnet(preset, 3)
    layers = layers_of(document(model))
    found = preset_of(model.name, layers)
    assert found.name == name and found.network == {
        **preset.network,
        # Only training reads these, and no layer tells them.
        "weight_std": PRESETS[name].weight_std,
        "biases": PRESETS[name].biases,
    }
    check_layers(alexnet(found, 3), layers)


@pytest.mark.parametrize("field", ODD)
def test_every_field_of_a_network_is_read(field):
    alone = {"block1", "block2", "groups"}
    fields = {field: ODD[field]} if field not in alone else ODD
    preset = small.preset("paper", **fields)
    layers = layers_of(document(alexnet(preset, 3)))
    found = preset_of("alexnet_paper", layers)
    assert getattr(found, field) == ODD[field]
    check_layers(alexnet(found, 3), layers)


@pytest.mark.parametrize("field", ["lrn", "dropout"])
def test_what_a_network_does_not_have_is_none(field):
    layers = layers_of(document(alexnet(small.preset("released", **{field: None}), 3)))
    found = preset_of("alexnet_released", layers)
    assert getattr(found, field) is None
    check_layers(alexnet(found, 3), layers)


@pytest.mark.parametrize("name", PRESETS)
def test_all_that_layers_say_of_themselves_is_known(name):
    layers = alexnet(small.preset(name), 3).layers
    said = {key for layer in layers for key in layer.get_config()}
    assert said - OF_TRAINING - {*CONSTANTS} == set()


@pytest.fixture
def net():
    return alexnet(small.preset("caffenet"), 3)


def changed(document, layer, **fields):
    (found,) = (x for x in document["config"]["layers"] if x["config"]["name"] == layer)
    for key, value in fields.items():
        (found["config"] if key in found["config"] else found)[key] = value
    return document


@pytest.mark.parametrize(
    ("layer", "fields", "row"),
    [
        ("norm2", {"alpha": 1e-4}, ("norm2.alpha", "2e-05", "0.0001")),
        ("conv3", {"activation": "linear"}, ("conv3.activation", "relu", "linear")),
        ("pool5", {"class_name": "Lambda"}, ("pool5.class", "MaxPooling2D", "Lambda")),
        ("fc7", {"inbound_nodes": []}, ("fc7.input", "drop6", "")),
        ("conv4", {"strides": [2, 2]}, ("conv4.strides", "[1, 1]", "[2, 2]")),
    ],
)
def test_a_network_that_differs_in_one_thing_is_refused_by_it(net, layer, fields, row):
    layers = layers_of(changed(document(net), layer, **fields))
    with pytest.raises(WeightsMisfit, match="found 1 differences") as error:
        check_layers(net, layers)
    assert error.value.rows == [row]


def test_a_layer_too_many_or_too_few_is_refused(net):
    layers = layers_of(document(net))
    with pytest.raises(WeightsMisfit) as error:
        check_layers(net, [*layers, layers[0]._replace(name="extra", kind="Lambda")])
    assert error.value.rows == [("extra", "nothing", "Lambda")]
    with pytest.raises(WeightsMisfit, match=r"first flatten\.class"):
        check_layers(net, [x for x in layers if x.name != "flatten"])


@pytest.mark.parametrize(
    ("layer", "fields"),
    [
        ("images", {"batch_shape": [None, "67", 67, 3]}),
        ("images", {"batch_shape": 67}),
        ("conv1", {"filters": 2**40}),
        ("conv2", {"groups": 0}),
        ("conv2", {"groups": 3}),
        ("conv2", {"filters": [1]}),
        ("fc6", {"activation": {"class_name": "function", "config": "exec"}}),
        ("fc6", {"name": ["fc6"]}),
        ("drop6", {"class_name": "Dropout"}),
        ("drop6", {"rate": 2}),
        ("norm1", {"alpha": float("nan")}),
        ("norm1", {"name": "norm2"}),
        ("conv5", {"inbound_nodes": [{"args": 3}]}),
    ],
)
def test_values_that_are_none_are_refused(net, layer, fields):
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        preset_of(net.name, layers_of(changed(document(net), layer, **fields)))


def test_another_document_and_another_network_are_none(net):
    for other in ([], {}, {"config": {"layers": [3]}}, {"config": []}, None):
        with pytest.raises((LookupError, TypeError, AttributeError)):
            layers_of(other)
    with pytest.raises(ValueError, match="Unknown preset"):
        preset_of("vgg16", layers_of(document(net)))
    assert np.isfinite(net.count_params())
