import pytest

from keras_alexnet.presets import SMALL_PRESETS, find_preset, find_small_preset
from keras_alexnet.presets.cifar import CIFAR_18PCT, CIFAR_19PCT, CIFAR_80SEC
from keras_alexnet.presets.small_preset import InMapNorm

NAMES = ["cifar-80sec", "cifar-19pct", "cifar-18pct", "cifar-quick"]


def test_names_are_fixed_and_the_prefix_may_be_left_out():
    assert list(SMALL_PRESETS) == NAMES
    for name, preset in SMALL_PRESETS.items():
        assert preset.name == name
        assert find_small_preset(name) is preset
        assert find_small_preset(name.removeprefix("cifar-")) is preset
        assert find_small_preset(preset) is preset
    with pytest.raises(ValueError, match="small preset '12pct'.*cifar-80sec, "):
        find_small_preset("12pct")


def test_what_is_for_alexnets_alone_refuses_small_nets_in_one_line():
    for small in ("cifar-18pct", CIFAR_18PCT):
        with pytest.raises(
            ValueError, match="paper, .* got cifar-18pct: .* not trained"
        ):
            find_preset(small)


@pytest.mark.parametrize("name", NAMES)
def test_what_all_recipes_have_in_common(name):
    recipe = SMALL_PRESETS[name].recipe
    assert (recipe.learning_rate, recipe.momentum, recipe.bias_rate) == (0.001, 0.9, 2)
    assert recipe.decays[:3] == (0.004,) * 3 and recipe.mean == "image"
    assert recipe.batch_size == (100 if name == "cifar-quick" else 128)


def test_decays_of_the_head_and_epochs_of_lower_rates_are_those_of_the_files():
    assert CIFAR_80SEC.recipe.decays[3:] == (0.03, 0.03)
    assert (CIFAR_19PCT.recipe.decays[3], CIFAR_18PCT.recipe.decays[3]) == (3, 1)
    assert [SMALL_PRESETS[name].recipe.drops for name in NAMES] == [
        *((8,), (), (120, 130), (8,)),
    ]


def test_one_net_alone_normalises():
    assert CIFAR_18PCT.lrn == InMapNorm(3, 1.0, 5e-5 / 9, 0.75)
    assert {SMALL_PRESETS[name].lrn for name in NAMES if name != "cifar-18pct"} == {
        None
    }
