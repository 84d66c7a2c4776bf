import numpy as np
import pytest

from keras_alexnet import SMALL_PRESETS, alexnet, cifar_net
from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import find_preset
from tests import small


@pytest.mark.parametrize("name", ["released", "cifar-18pct", "cifar-quick"])
def test_any_preset_has_its_network(name):
    if name in SMALL_PRESETS:
        preset = SMALL_PRESETS[name]
        expected = cifar_net(preset, num_classes=3, seed=0)
    else:
        preset = find_preset(name).replace(**small.NETWORK)
        expected = alexnet(preset, 3, seed=0)
    found = network_of(preset, 3)
    assert [layer.name for layer in found.layers] == [
        layer.name for layer in expected.layers
    ]
    for ours, theirs in zip(found.weights, expected.weights, strict=True):
        assert ours.dtype == "float32"
        np.testing.assert_array_equal(ours, theirs)
