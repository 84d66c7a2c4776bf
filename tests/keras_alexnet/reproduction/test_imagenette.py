from keras_alexnet.presets import PRESETS
from keras_alexnet.reproduction.experiment import Conditions
from keras_alexnet.reproduction.imagenette import IMAGENETTE
from keras_alexnet.reproduction.run import TEN_VIEWS
from keras_alexnet.reproduction.specialisation import CHANCE, COLOUR, GREY
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


def test_lines_are_of_networks_alone_and_together_and_of_their_colours():
    figures = {TEN_VIEWS: 17.0, GREY: 0.25, COLOUR: 0.5, CHANCE: 0.5}
    lines = IMAGENETTE.compare({("imagenette", 0): record("x", 0, **figures)})
    told = [(17.0,), (), (), (), (0.25,), (0.5,), (100.0,)]
    assert [line.values for line in lines] == told
    assert {line.published for line in lines} == {""}
