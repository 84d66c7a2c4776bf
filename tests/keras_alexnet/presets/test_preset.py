import dataclasses
import json

import pytest

from keras_alexnet.presets import LRN, PRESETS, find_preset

NAMES = ["paper", "released", "caffe_alexnet", "caffenet", "one_weird_trick", "one_gpu"]


def test_the_six_names_are_fixed():
    assert list(PRESETS) == NAMES
    assert all(find_preset(name) is preset for name, preset in PRESETS.items())
    assert [preset.name for preset in PRESETS.values()] == NAMES


def test_what_is_a_preset_already_is_found():
    mine = PRESETS["paper"].replace(name="mine", units=8)
    assert find_preset(mine) is mine


@pytest.mark.parametrize("name", NAMES)
def test_what_all_recipes_have_in_common(name):
    recipe = PRESETS[name].recipe
    assert (recipe.learning_rate, recipe.momentum, recipe.decay) == (0.01, 0.9, 0.0005)
    assert (recipe.precision, recipe.schedule) == ("float32", "plateau")
    assert PRESETS[name].dropout_rate == 0.5


def test_presets_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PRESETS["paper"].units = 1


def test_every_preset_says_what_it_is():
    texts = [preset.description for preset in PRESETS.values()]
    assert len(set(texts)) == 6
    assert all(text.endswith(".") for text in texts)


def test_replacing_a_field_leaves_the_others():
    paper = PRESETS["paper"]
    changed = paper.replace(units=7)
    assert changed.units == 7
    assert changed.replace(units=paper.units) == paper
    assert paper.units == 4096


def test_a_field_of_the_recipe_is_changed_by_its_name_too():
    paper = PRESETS["paper"]
    changed = paper.replace(units=7, batch_size=64, colour_noise=None)
    assert (changed.recipe.batch_size, changed.recipe.colour_noise) == (64, None)
    back = changed.replace(recipe=paper.recipe, units=paper.units)
    assert back == paper
    own = paper.replace(recipe=changed.recipe, seed=3).recipe
    assert (own.seed, own.batch_size) == (3, 64)
    assert {*paper.network} & {*vars(paper.recipe)} == set()


def test_fields_survive_json():
    for preset in PRESETS.values():
        fields = json.loads(json.dumps(dataclasses.asdict(preset)))
        assert PRESETS["paper"].replace(**fields) == preset


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("released", False, None),
        ("released", None, None),
        ("released", True, PRESETS["released"].lrn),
        ("released", LRN(bias=3.0), LRN(bias=3.0)),
        ("released", {"bias": 3.0}, LRN(bias=3.0)),
    ],
)
def test_ways_to_say_what_the_normalisation_is(name, given, kept):
    assert PRESETS[name].replace(lrn=given).lrn == kept


def test_a_normalisation_that_no_block_would_use_is_refused():
    with pytest.raises(ValueError, match="lrn needs an 'lrn' step"):
        PRESETS["one_weird_trick"].replace(lrn=True)
    block = ("activation", "lrn", "pool")
    assert PRESETS["one_weird_trick"].replace(lrn=True, block1=block).lrn == LRN()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"unit": 1, "colour": 2}, "Unknown preset field colour, unit.*units"),
        ({"weight_std": (0.01,)}, r"weight_std needs 8 values. Received: \(0.01,\)"),
        ({"groups": (1, 2)}, r"groups needs 5 values. Received: \(1, 2\)"),
        ({"biases": ()}, r"biases needs 8 values. Received: \(\)"),
        ({"colour_noise": "pca"}, "colour_noise.*Received: 'pca'"),
        ({"lrn": 1e-4}, "lrn is an LRN, None or False. Received: 0.0001"),
        ({"block1": ()}, r"block1.*Received: \(\)"),
        ({"block1": ("activation",)}, r"block1.*Received: \('activation',\)"),
        ({"block2": ("pool", "pool")}, r"block2.*Received: \('pool', 'pool'\)"),
        ({"block2": ("relu", "pool")}, r"block2.*Received: \('relu', 'pool'\)"),
    ],
)
def test_bad_fields_are_refused_with_what_arrived(fields, message):
    with pytest.raises(ValueError, match=message):
        PRESETS["paper"].replace(**fields)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match="'alexnet'.*paper, released"):
        find_preset("alexnet")
