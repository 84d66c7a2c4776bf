import pytest

from keras_alexnet.models.cifar import cifar_net
from keras_alexnet.reproduction.relu import GRID, RELU, arm, tuned_rate
from keras_alexnet.reproduction.run import EPOCHS_TO_25
from tests.keras_alexnet.reproduction.records import record


def grid(kind, **epochs):
    """Records of seed 0 by rate."""
    made = {}
    for rate in GRID:
        name = arm(kind, rate).name
        value = epochs.get(f"r{rate:g}"[1:], epochs["other"])
        made[name, 0] = record(name, **{EPOCHS_TO_25: value})
    return made


def test_the_net_is_plain_but_for_its_activation():
    for kind in ("relu", "tanh"):
        preset = arm(kind, 0.008).preset_of(0, {})
        assert (preset.activation, preset.recipe.learning_rate) == (kind, 0.008)
        recipe = preset.recipe
        assert (recipe.decay, recipe.decays, recipe.drops) == (0.0, (), ())
        assert (recipe.flip, recipe.colour_noise, preset.lrn) == (False, None, None)
        assert preset.filters == (32, 32, 64) and preset.units == ()
        assert cifar_net(preset).count_params() == 89_578


def test_each_is_tuned_then_trained_with_other_seeds():
    jobs = RELU.arms({}, 3)
    assert [job[0].name for job in jobs[:5]] == [arm("relu", r).name for r in GRID]
    assert {seed for _, seed in jobs} == {0} and len(jobs) == 10
    assert tuned_rate({}, "relu") is None
    made = grid("relu", other=9.0, **{"0.002": 6.5})
    assert tuned_rate(made, "relu") == 0.002
    later = [(each.name, seed) for each, seed in RELU.arms(made, 3) if seed]
    assert later == [("figure1-relu-0.002", 1), ("figure1-relu-0.002", 2)]


def test_a_rate_is_tried_for_as_many_epochs_as_the_best_took():
    first, second = GRID[:2]
    made = {(arm("relu", first).name, 0): record("x", **{EPOCHS_TO_25: 7.2})}
    epochs = [each.overrides["epochs"] for each, _ in RELU.arms(made, 1)]
    assert epochs == [60, 8, 8, 8, 8, 60, 60, 60, 60, 60]
    made[arm("relu", second).name, 0] = record("x", **{EPOCHS_TO_25: None})
    assert [job[0].overrides["epochs"] for job in RELU.arms(made, 1)][:5] == epochs[:5]


def test_the_ratio_is_of_epochs_seed_by_seed():
    made = grid("relu", other=9.0, **{"0.004": 5.0})
    made |= grid("tanh", other=None, **{"0.008": 20.0})
    for kind, rate, value in (("relu", 0.004, 4.0), ("tanh", 0.008, None)):
        name = arm(kind, rate).name
        made[name, 1] = record(name, 1, **{EPOCHS_TO_25: value})
    *lines, ratio = RELU.compare(made)
    assert [line.values for line in lines] == [(5.0, 4.0), (20.0, None)]
    assert (ratio.values, ratio.published, ratio.unit) == ((4.0, None), "6", "times")
    assert [line.measured for line in RELU.compare({})] == ["not run"] * 3


def test_no_rate_that_reaches_it_is_told(caplog):
    made = grid("relu", other=None)
    assert tuned_rate(made, "relu") == GRID[0]
    with pytest.raises(KeyError):
        tuned_rate({(arm("relu", r).name, 0): record("x") for r in GRID}, "relu")
