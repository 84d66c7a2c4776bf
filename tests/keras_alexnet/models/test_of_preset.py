import numpy as np
import pytest

from keras_alexnet import SMALL_PRESETS, alexnet, cifar_net
from keras_alexnet.models.lenet import lenet_of
from keras_alexnet.models.of_preset import check_network, network_of
from keras_alexnet.presets import find_preset, named_preset
from tests import small


@pytest.mark.parametrize("name", ["released", "cifar-18pct", "cifar-11pct", "lenet5"])
def test_any_preset_has_its_network(name):
    if name == "lenet5":
        preset = SMALL_PRESETS[name]
        expected = lenet_of(preset, 3, seed=0)
    elif name in SMALL_PRESETS:
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


@pytest.mark.parametrize(
    ("name", "fields", "stored", "message"),
    [
        ("cifar-18pct", {}, 49, "about 32 pixels for cifar-18pct, got 49.*--size 32"),
        ("cifar-11pct", {}, 37, "got 37: crops of 24"),
        ("lenet5", {}, 49, "about 32 pixels for lenet5, got 49"),
        ("released", {"input_size": 30}, 256, "leaves no map"),
    ],
)
def test_pictures_that_a_network_cannot_learn_from_are_refused(
    name, fields, stored, message
):
    preset = named_preset(name).replace(**fields)
    with pytest.raises(ValueError, match=message):
        check_network(preset, stored, 10)
    if name != "released":
        check_network(preset, 32, 10)
    if name.startswith("cifar-"):
        check_network(preset.replace(input_size=stored), stored, 10)


def test_the_targets_of_1998_are_of_ten_classes():
    check_network(SMALL_PRESETS["lenet5-1998"], 32, 10)
    check_network(SMALL_PRESETS["lenet5"], 32, 3)
    with pytest.raises(ValueError, match="Expected 10 .*=3.*--preset lenet5") as error:
        check_network(SMALL_PRESETS["lenet5-1998"], 32, 3)
    assert "\n" not in str(error.value)
