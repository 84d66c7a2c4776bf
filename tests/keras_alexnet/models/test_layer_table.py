import keras
import numpy as np
import pytest

from keras_alexnet import alexnet
from keras_alexnet.models.layer_table import CONV_LAYERS, layer_table
from keras_alexnet.presets import PRESETS, find_preset
from tests import small

RELEASED = find_preset("released")


def forward_macs(model):
    """Multiply-accumulates of a forward pass, from the layers of the model itself."""
    return {
        layer.name: np.prod(layer.output.shape[1:-1], dtype=int)
        * np.prod(layer.kernel.shape)
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
    }


TWO_TOWERS = {
    "conv1": 34_944,
    "conv2": 307_456,
    "conv3": 885_120,
    "conv4": 663_936,
    "conv5": 442_624,
    "fc6": 37_752_832,
    "fc7": 16_781_312,
    "fc8": 4_097_000,
}
COUNTS = {  # spec 1.1 and 1.3
    "paper": TWO_TOWERS,
    "released": TWO_TOWERS,
    "caffe_alexnet": TWO_TOWERS,
    "caffenet": TWO_TOWERS,
    "one_weird_trick": {
        "conv1": 11 * 11 * 3 * 64 + 64,
        "conv2": 5 * 5 * 64 * 192 + 192,
        "conv3": 3 * 3 * 192 * 384 + 384,
        "conv4": 3 * 3 * 384 * 256 + 256,
        "conv5": 3 * 3 * 256 * 256 + 256,
        "fc6": 37_752_832,
        "fc7": 16_781_312,
        "fc8": 4_097_000,
    },
    "one_gpu": {
        "conv1": 11 * 11 * 3 * 48 + 48,
        "conv2": 5 * 5 * 48 * 128 + 128,
        "conv3": 3 * 3 * 128 * 192 + 192,
        "conv4": 3 * 3 * 192 * 192 + 192,
        "conv5": 3 * 3 * 192 * 256 + 256,
        "fc6": 37_752_832,
        "fc7": 16_781_312,
        "fc8": 4_097_000,
    },
}


@pytest.mark.parametrize("name", COUNTS)
def test_every_preset_has_its_exact_parameter_counts(name):
    table = layer_table(find_preset(name))
    assert {n: layer.parameters for n, layer in table.items()} == COUNTS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_layer_table_is_the_network(name):
    # conv4 and conv5 of different widths, so that one cannot pass for the other.
    widths = {**small.NETWORK, "filters": (8, 12, 16, 20, 24)}
    table = layer_table(find_preset(name).replace(**widths), 7)
    model = alexnet(name, 7, seed=0, **widths)
    assert {n: layer.macs for n, layer in table.items()} == forward_macs(model)
    for layer, size in table.items():
        built = model.get_layer(layer)
        assert size.parameters == built.count_params()
        read = built.input
        if layer == "conv1":
            read = model.input
        assert size.inputs == np.prod(read.shape[1:])


def test_layer_table_of_non_overlapping_pools():
    overrides = {**small.NETWORK, "input_size": 99, "pooling": "non_overlapping"}
    table = layer_table(RELEASED.replace(**overrides), 3)
    model = alexnet("released", 3, seed=0, **overrides)
    assert {n: layer.macs for n, layer in table.items()} == forward_macs(model)
    assert sum(t.parameters for t in table.values()) == model.count_params()


def test_layer_table_by_hand():
    table = layer_table(RELEASED)
    assert table["conv2"].parameters == 307_456
    assert table["fc6"].parameters == 37_752_832
    assert sum(table[name].parameters for name in CONV_LAYERS) == 2_334_080
    assert sum(layer.macs for layer in table.values()) == 724_406_816
    assert [layer.inputs for layer in table.values()] == [
        150_528,
        69_984,
        43_264,
        64_896,
        64_896,
        9_216,
        4_096,
        4_096,
    ]
