import dataclasses

import pytest

from keras_alexnet.presets import Recipe
from keras_alexnet.presets.recipe import FREE, PLATEAU_ONLY


@pytest.mark.parametrize(("name", "stop"), [("released-2012", 91), ("plateau", 90)])
def test_a_run_ends_with_its_schedule_or_where_it_is_told(name, stop):
    assert Recipe(schedule=name).last_epoch == stop
    for epochs in (3, 200):
        assert Recipe(schedule=name, epochs=epochs).last_epoch == epochs


@pytest.mark.parametrize(
    "fields", [{"patience": 3}, {"reductions": 2}, {"min_delta": 0.5}]
)
def test_fields_of_the_plateau_are_refused_with_a_schedule(fields):
    Recipe(**fields)
    with pytest.raises(ValueError, match=f"no {[*fields][0]} with schedule"):
        Recipe(schedule="released-2012", **fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"schedule": "cosine"}, "schedule of plateau, .*got 'cosine'"),
        ({"epochs": 0}, "epochs >= 1, got 0"),
        ({"seed": -1}, "seed in .*got -1"),
        ({"seed": 1.0}, "seed in .*got 1.0"),
        ({"learning_rate": -0.01}, "Expected learning_rate from .*, got -0.01"),
        ({"momentum": 1.0}, "momentum >= 0 and < 1, got 1.0"),
        ({"decay": -1}, "decay >= 0, got -1"),
        ({"min_delta": -1}, "min_delta >= 0, got -1"),
        ({"mean": "median"}, "mean is one of .*Received: 'median'"),
        ({"shuffle": "buffer"}, "shuffle is one of .*Received: 'buffer'"),
        ({"class_weights": "rare"}, "class_weights is one of .*Received: 'rare'"),
        ({"precision": "float16"}, "precision is one of .*Received: 'float16'"),
        ({"colour_noise": "pca"}, "colour_noise is one of .*None.*Received: 'pca'"),
        ({"freeze_through": "conv5"}, "Expected --init with keep_rows"),
        ({"keep_rows": True}, "Expected --init with keep_rows"),
        ({"cache_features": True}, "Expected --freeze-through with cache_features"),
        ({"rates": ("=1",)}, "Expected rates such as fc8=10.*got '=1'"),
        ({"decays": ("fc8=x",)}, "Expected decays such as fc8=10.*got 'fc8=x'"),
        ({"drops": (3,)}, "no drops with schedule plateau.*--schedule steps"),
        ({"schedule": "steps", "drops": (3, 3)}, "drops in order, each once"),
        ({"schedule": "steps", "drops": (4, 3)}, "drops in order, each once"),
        ({"schedule": "steps", "drops": (0,)}, "drops >= 1, got 0"),
        ({"rates": ("fc8",)}, "got 'fc8'"),
        ({"rates": ("fc8=-1",)}, "got 'fc8=-1'"),
        ({"rates": ("fc8=nan",)}, "got 'fc8=nan'"),
        ({"rates": ("fc8=1", "fc8=2")}, "each layer once in rates"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        Recipe(**fields)


def test_layers_have_numbers_of_their_own():
    recipe = Recipe(rates=["fc8=2"], decays=["fc8=1e-3", "conv1=0"])  # as JSON has it
    assert recipe.rates == ("fc8=2",) and recipe.layer_rates == {"fc8": 2.0}
    assert recipe.layer_decays == {"fc8": 0.001, "conv1": 0.0}


def test_steps_drop_all_rates_where_they_are_told():
    schedule = Recipe(schedule="steps", drops=[2, 5], epochs=7).fixed_schedule
    assert schedule.stop == 7 and schedule.colour_off is None
    for epoch, rate in ((0, 1), (1, 1), (2, 0.1), (4, 0.1), (5, 0.01), (9, 0.01)):
        for layer, kind in (("conv1", "kernel"), ("fc8", "kernel"), ("fc8", "bias")):
            assert schedule.rate(epoch, layer, kind) == pytest.approx(rate)
    assert Recipe().fixed_schedule is None
    assert Recipe(schedule="released-2010").fixed_schedule.stop == 93


def test_features_that_are_computed_once_leave_nothing_random_before_them():
    frozen = {"init": "a", "freeze_through": "conv5"}
    random = {"flip": True, "colour_noise": "released", "crop_chunk": 32}
    recipe = Recipe(**frozen, **random, cache_features=True)
    assert (recipe.flip, recipe.colour_noise, recipe.crop_chunk) == (False, None, 1)
    assert not recipe.random_crop
    assert vars(Recipe(**frozen, **random)).items() >= random.items()


def test_what_may_change_on_resume_is_when_the_rate_drops_and_when_the_run_ends():
    free = {f.name for f in dataclasses.fields(Recipe) if f.metadata == FREE}
    assert free == {"epochs", "drops", "shuffle", *PLATEAU_ONLY}
