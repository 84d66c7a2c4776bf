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
