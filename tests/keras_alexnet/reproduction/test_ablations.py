import dataclasses

import numpy as np
import pytest

from keras_alexnet.models import alexnet
from keras_alexnet.presets import PRESETS
from keras_alexnet.reproduction import EXPERIMENTS
from keras_alexnet.reproduction.run import LAST_ERROR, TEN_VIEWS
from tests import small
from tests.keras_alexnet.reproduction.records import record

# What differs from `released`, of network and recipe.
DIFFERENT = {
    "lrn-full": {"lrn"},
    "norm": {"block2"},
    "overlap": {"pooling"},
}


def presets(name):
    return {arm.name: arm.preset_of(3, {}) for arm, _ in EXPERIMENTS[name].arms({}, 1)}


def difference(ours, other):
    """Return the names of the fields in which two presets differ."""
    first, second = ({**p.network, **vars(p.recipe)} for p in (ours, other))
    return {name for name in first if first[name] != second[name]}


@pytest.mark.parametrize("name", DIFFERENT)
def test_one_thing_alone_differs(name):
    base, other = presets(name).values()
    assert base == PRESETS["released"].replace(seed=3)
    assert difference(base, other) == DIFFERENT[name]


def test_the_in_map_norm_alone_is_left_out():
    assert presets("norm")["released-no-in-map"].block2 == ("activation", "lrn", "pool")


def test_without_dropout_the_same_function_is_learnt_as_fast():
    base, plain, as_large = presets("dropout").values()
    assert difference(base, plain) == {"dropout"}
    changed = {"dropout", "weight_std", "rates", "decays"}
    assert difference(base, as_large) == changed
    size = (4, small.INPUT, small.INPUT, 3)
    images = np.random.default_rng(0).uniform(-99, 99, size)
    shape = {n: small.NETWORK[n] for n in ("filters", "units", "input_size")}
    answers = []
    for preset in (base, as_large):
        network = alexnet(preset.replace(**shape), 3, seed=3)
        answers.append(network(images.astype("float32"), training=False))
    # Halves are exact: numbers scaled by powers of two round alike.
    np.testing.assert_array_equal(*answers)
    assert np.ptp(answers[0]) > 0
    for name in ("fc7", "fc8"):
        rate, decay = as_large.recipe.layer_rates[name], as_large.recipe.layer_decays
        assert rate == 0.5**2 and rate * decay[name] == base.recipe.decay


def test_augmentation_is_left_out_in_two_steps():
    base, colourless, none = presets("augmentation").values()
    assert difference(base, colourless) == {"colour_noise"}
    assert difference(base, none) == {"colour_noise", "flip", "random_crop"}


def test_towers_are_against_the_published_net_of_one_gpu():
    assert presets("towers")["one_gpu"] == PRESETS["one_gpu"].replace(seed=3)


def test_what_was_run_is_what_was_printed_with_every_difference_of_init():
    made = presets("init")
    steps = [name for name in made if name.startswith("paper-")]
    whole = made["paper"]
    for name in steps:
        changed = difference(made["paper"], made[name])
        assert len(changed) == 1
        fields = {**made[name].network, **vars(made[name].recipe)}
        whole = whole.replace(**{field: fields[field] for field in changed})
    assert difference(whole, made["released"]) == set()
    other = difference(made["released"], made["released-paper-weights"])
    assert other == {"weight_std"}


def test_all_presets_are_trained_with_one_batch_and_rate():
    made = presets("presets")
    assert {*made} == {*PRESETS}
    recipes = [preset.recipe for preset in made.values()]
    assert {(r.batch_size, r.learning_rate) for r in recipes} == {(128, 0.01)}
    for name, preset in made.items():
        own = dataclasses.replace(preset, recipe=PRESETS[name].recipe)
        assert own == PRESETS[name]


def test_lines_are_errors_of_all_then_points_above_released():
    figures = {LAST_ERROR: 30.0, TEN_VIEWS: 28.0}
    made = {("released", 0): record("released", **figures)}
    worse = {LAST_ERROR: 31.5, TEN_VIEWS: 29.0}
    made["released-non-overlapping", 0] = record("x", **worse)
    lines = EXPERIMENTS["overlap"].compare(made)
    assert [line.values for line in lines] == [
        (30.0,),
        (28.0,),
        (31.5,),
        (29.0,),
        (1.5,),
    ]
    assert (lines[-1].published, lines[-1].unit) == ("0.4", "points")
