import pytest

from keras_alexnet.presets import SMALL_PRESETS, find_preset, find_small_preset
from keras_alexnet.presets.cifar import (
    CIFAR_11PCT,
    CIFAR_13PCT,
    CIFAR_18PCT,
    CIFAR_19PCT,
    CIFAR_80SEC,
)
from keras_alexnet.presets.preset import LRN
from keras_alexnet.presets.small_preset import InMapNorm

NAMES = [f"cifar-{name}" for name in ("80sec", "19pct", "18pct", "13pct", "11pct")]
NAMES.append("cifar-quick")


def test_names_are_fixed_and_the_prefix_may_be_left_out():
    assert [*SMALL_PRESETS] == [*NAMES, "lenet5", "lenet5-1998"]
    for name in NAMES:
        preset = SMALL_PRESETS[name]
        assert preset.name == name
        assert find_small_preset(name) is preset
        assert find_small_preset(name.removeprefix("cifar-")) is preset
        assert find_small_preset(preset) is preset
    with pytest.raises(ValueError, match="small preset '12pct'.*cifar-80sec, "):
        find_small_preset("12pct")
    for other in ("lenet5", SMALL_PRESETS["lenet5-1998"], find_preset("paper")):
        with pytest.raises(ValueError, match=r"CIFAR-10, got .*Take lenet5\(\)"):
            find_small_preset(other)


def test_what_is_for_alexnets_alone_refuses_small_nets_in_one_line():
    for small in ("cifar-18pct", CIFAR_18PCT):
        with pytest.raises(ValueError, match="paper, .* got cifar-18pct, a small net"):
            find_preset(small)


@pytest.mark.parametrize("name", NAMES)
def test_what_all_recipes_have_in_common(name):
    recipe = SMALL_PRESETS[name].recipe
    assert (recipe.learning_rate, recipe.momentum, recipe.bias_rate) == (0.001, 0.9, 2)
    assert (recipe.mean, recipe.schedule, recipe.colour_noise) == (
        "image",
        "steps",
        None,
    )
    assert recipe.batch_size == (100 if name == "cifar-quick" else 128)
    cropped = SMALL_PRESETS[name].input_size == 24
    assert cropped == recipe.flip == (name in ("cifar-13pct", "cifar-11pct"))


@pytest.mark.parametrize(
    ("preset", "decays"),
    [
        (CIFAR_80SEC, (0.004, 0.004, 0.004, 0.03, 0.03)),
        (CIFAR_19PCT, (0.004, 0.004, 0.004, 3)),
        (CIFAR_18PCT, (0.004, 0.004, 0.004, 1)),
        (CIFAR_13PCT, (0, 0, 0.004, 0.004, 0.004)),
        (CIFAR_11PCT, (0, 0, 0.004, 0.004, 0.01)),
        (SMALL_PRESETS["cifar-quick"], (0.004,) * 5),
    ],
)
def test_decays_are_those_of_the_files(preset, decays):
    own, common = preset.recipe.layer_decays, preset.recipe.decay
    assert tuple(own.get(layer, common) for layer in preset.layers) == decays


def test_epochs_of_lower_rates_are_those_of_the_files():
    told = {n: SMALL_PRESETS[n].recipe for n in NAMES}
    assert {n: (*recipe.drops, recipe.last_epoch) for n, recipe in told.items()} == {
        **dict.fromkeys(("cifar-80sec", "cifar-quick"), (8, 10)),
        **dict.fromkeys(("cifar-19pct", "cifar-18pct"), (120, 130, 140)),
        **dict.fromkeys(("cifar-13pct", "cifar-11pct"), (500, 510, 520)),
    }


def test_two_nets_normalise():
    assert CIFAR_18PCT.lrn == InMapNorm(3, 1.0, 5e-5 / 9, 0.75)
    assert CIFAR_11PCT.lrn == LRN(4, 1.0, 1e-3 / 9, 0.75, per_tower=False)
    others = {*NAMES} - {"cifar-18pct", "cifar-11pct"}
    assert {SMALL_PRESETS[name].lrn for name in others} == {None}
