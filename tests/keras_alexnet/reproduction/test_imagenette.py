from keras_alexnet.presets import PRESETS
from keras_alexnet.reproduction.experiment import Conditions
from keras_alexnet.reproduction.imagenette import IMAGENETTE
from keras_alexnet.reproduction.run import TEN_VIEWS
from tests.keras_alexnet.reproduction.records import record


def test_it_is_the_released_net_with_a_recipe_for_few_photos():
    ((arm, seed),) = IMAGENETTE.arms({}, 1)
    made = arm.preset_of(seed, IMAGENETTE.common(Conditions()))
    released = PRESETS["released"]
    assert made.recipe.batch_size == 64 and made.recipe.last_epoch == 40
    schedule = made.recipe.fixed_schedule
    assert [schedule.weight_rate(epoch) for epoch in (27, 28, 37)] == [1, 0.1, 0.01]
    assert made.replace(**vars(released.recipe)) == released
    assert (IMAGENETTE.seeds, IMAGENETTE.classes) == (5, 10)


def test_lines_are_those_alone_then_together_without_a_published_one():
    made = {("imagenette", 0): record("x", 0, **{TEN_VIEWS: 17.0})}
    lines = IMAGENETTE.compare(made)
    assert [line.values for line in lines] == [(17.0,), (), (), ()]
    assert {line.published for line in lines} == {""}
