from keras_alexnet.presets import PRESETS
from keras_alexnet.reproduction.experiment import Conditions
from keras_alexnet.reproduction.imagenet import IMAGENET


def test_its_arms_are_the_published_nets_with_their_schedules():
    made = {arm.name: arm.preset_of(0, {}) for arm, _ in IMAGENET.arms({}, 1)}
    assert made["paper"] == PRESETS["paper"]
    for year, epochs in (("2012", 91), ("2010", 93)):
        preset = made[f"released-{year}"]
        assert preset == PRESETS["released"].replace(schedule=f"released-{year}")
        assert preset.recipe.last_epoch == epochs
    assert IMAGENET.classes == 1000
    assert IMAGENET.common(Conditions()) == {"precision": "auto"}


def test_what_was_not_run_is_said_so():
    lines = IMAGENET.compare({})
    assert {line.measured for line in lines} == {"not run"}
    assert [line.published for line in lines].count("40.7") == 2
