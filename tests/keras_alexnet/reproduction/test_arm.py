import pytest

from keras_alexnet.reproduction.arm import Arm


def test_an_arm_is_a_preset_with_its_own_then_what_is_common_and_a_seed():
    arm = Arm("wide", "cifar-80sec", {"input_size": 28, "epochs": 3})
    preset = arm.preset_of(7, {"epochs": 9, "precision": "float32"})
    assert (preset.input_size, preset.name) == (28, "cifar-80sec")
    recipe = preset.recipe
    assert (recipe.epochs, recipe.precision, recipe.seed) == (9, "float32", 7)
    assert arm.preset_of(0, {}).recipe.epochs == 3
    assert Arm("plain", "released").preset_of(0, {}).recipe.seed == 0


def test_fields_that_there_are_not_are_refused():
    with pytest.raises(ValueError, match="Unknown preset field depth"):
        Arm("deep", "released", {"depth": 9}).preset_of(0, {})
