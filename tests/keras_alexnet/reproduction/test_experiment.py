import pytest

from keras_alexnet.reproduction import EXPERIMENTS
from keras_alexnet.reproduction.arm import Arm
from keras_alexnet.reproduction.experiment import (
    Conditions,
    Experiment,
    Outcome,
    differences,
    drops_of,
    every_seed,
    values,
)
from tests.keras_alexnet.reproduction.records import finished

NAMES = [
    *("relu", "cifar-80sec", "cifar-18pct", "cifar-13pct", "cifar-11pct"),
    *("lenet5", "lenet5-1998", "lrn"),
    *("lrn-11pct", "lrn-full", "norm", "overlap", "dropout", "augmentation", "towers"),
    *("init", "presets", "ensemble", "specialisation"),
    *("imagenette", "imagenet"),
]


def test_names_are_fixed():
    assert [*EXPERIMENTS] == NAMES
    for name, experiment in EXPERIMENTS.items():
        assert experiment.name == name
        assert experiment.claim and experiment.pictures and experiment.seeds >= 1


@pytest.mark.parametrize("name", NAMES)
def test_every_training_of_an_experiment_can_be_made(name):
    experiment = EXPERIMENTS[name]
    jobs = experiment.arms({}, experiment.seeds)
    assert len({(arm.name, seed) for arm, seed in jobs}) == len(jobs) >= 1
    for arm, seed in jobs:
        preset = arm.preset_of(seed, experiment.common(Conditions(precision="float32")))
        assert preset.recipe.precision == "float32"


@pytest.mark.parametrize("name", NAMES)
def test_quickly_every_training_has_two_epochs(name):
    experiment = EXPERIMENTS[name]
    common = experiment.common(Conditions(quick=True))
    for arm, seed in experiment.arms({}, 1):
        assert arm.preset_of(seed, common).recipe.last_epoch == 2


def test_one_name_is_one_training_in_all_experiments_on_photos():
    known = {}
    for experiment in EXPERIMENTS.values():
        if experiment.fixed_drops:
            for arm, _ in experiment.arms({}, 1):
                assert known.setdefault(arm.name, arm) == arm
    assert "released" in known


def test_all_arms_on_photos_drop_their_rates_after_the_same_epochs():
    fields = EXPERIMENTS["overlap"].common(Conditions(input_size=131, epochs=12))
    assert fields == {
        **{"precision": "auto", "input_size": 131, "epochs": 12},
        **{"schedule": "steps", "drops": (8, 11)},
    }
    assert EXPERIMENTS["overlap"].common(Conditions())["epochs"] == 60
    assert EXPERIMENTS["overlap"].common(Conditions(quick=True))["drops"] == (1,)
    small = EXPERIMENTS["cifar-18pct"]
    assert small.common(Conditions()) == {"precision": "auto"}
    assert small.common(Conditions(quick=True)) == {"precision": "auto", "epochs": 2}
    for asked in (Conditions(input_size=131), Conditions(epochs=3)):
        with pytest.raises(ValueError, match="no --input-size and --epochs with cifar"):
            small.common(asked)


@pytest.mark.parametrize(
    ("epochs", "drops"), [(1, ()), (2, (1,)), (3, (2,)), (12, (8, 11)), (60, (40, 55))]
)
def test_rates_drop_after_two_thirds_and_eleven_twelfths(epochs, drops):
    assert drops_of(epochs) == drops


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ((), "not run"),
        ((None, None), "not reached (2)"),
        ((2.0,), "2.00 % (1)"),
        ((1.0, 3.0), "2.00 ± 1.41 % (2)"),
        ((1.0, None, 3.0), "2.00 ± 1.41 % (2, 1 did not reach it)"),
    ],
)
def test_what_was_measured_in_words(found, said):
    assert Outcome("", "", found).measured == said


def test_differences_are_of_the_seeds_that_both_have():
    made = finished("error", a=(5.0, 6.0, 7.0), b=(4.0, 4.5))
    assert values(made, "a", "error") == (5.0, 6.0, 7.0)
    assert differences(made, "a", "b", "error") == (1.0, 1.5)
    assert values(made, "c", "error") == differences(made, "a", "c", "error") == ()


def test_every_seed_has_every_arm_before_the_next_one_begins():
    arms = [Arm("a", "paper"), Arm("b", "paper")]
    jobs = [(arm.name, seed) for arm, seed in every_seed(arms)({}, 2)]
    assert jobs == [("a", 0), ("b", 0), ("a", 1), ("b", 1)]
    made = Experiment("x", "", "", every_seed(arms), lambda found: [])
    assert (made.seeds, made.joint, made.measure) == (1, None, None)
