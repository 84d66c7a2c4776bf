import pytest

from keras_alexnet.presets import PRESETS, SMALL_PRESETS
from keras_alexnet.presets.fields import as_tuples


@pytest.mark.parametrize("preset", [PRESETS["released"], SMALL_PRESETS["cifar-18pct"]])
def test_a_network_and_a_recipe_are_all_of_a_preset_but_its_text(preset):
    assert {*vars(preset)} == {*preset.network, "name", "description", "recipe"}
    same = preset.replace(**preset.network, recipe=vars(preset.recipe))
    assert same == preset
    other = preset.replace(input_size=99, momentum=0.5)
    assert (other.input_size, other.recipe.momentum) == (99, 0.5)
    assert other.replace(input_size=preset.input_size, recipe=preset.recipe) == preset


def test_lists_of_lists_become_tuples_of_tuples():
    assert as_tuples([[1, "ab"], [], 2.5]) == ((1, "ab"), (), 2.5)
    assert as_tuples({"a": [1]}) == {"a": [1]}


def test_a_layer_is_frozen_or_has_a_rate_of_its_own():
    fields = {"init": "a", "freeze_through": "conv2", "rates": ("conv1=5", "fc8=10")}
    preset = PRESETS["released"].replace(**fields)
    layers = ("conv1", "conv2", "conv3", "fc8")
    assert [preset.layer_rate(layer) for layer in layers] == [0.0, 0.0, 1.0, 10.0]
    small = SMALL_PRESETS["cifar-13pct"].replace(init="a", freeze_through="local3")
    assert [small.layer_rate(layer) for layer in small.layers] == [0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("preset", "fields", "message"),
    [
        ("released", {"freeze_through": "fc8"}, "of conv1, .* fc7, got 'fc8'"),
        ("released", {"freeze_through": "pool1"}, "got 'pool1'"),
        ("released", {"rates": ("fc9=1",)}, "rates of conv1, .* fc8, got 'fc9'"),
        ("cifar-80sec", {"freeze_through": "fc10"}, "of conv1, .* fc64, got 'fc10'"),
        ("cifar-80sec", {"decays": ("fc8=1",)}, "decays of .*, fc64, fc10, got 'fc8'"),
    ],
)
def test_layers_that_a_network_has_not_are_refused(preset, fields, message):
    with pytest.raises(ValueError, match=message):
        {**PRESETS, **SMALL_PRESETS}[preset].replace(init="a", **fields)
