from keras_alexnet.presets import LRN
from keras_alexnet.presets.released import RELEASED


def test_it_is_what_was_run():
    recipe = RELEASED.recipe
    assert (recipe.batch_size, recipe.bias_rate) == (128, 2)
    assert recipe.colour_noise == "released"
    assert RELEASED.dropout == "original"
    assert RELEASED.lrn == LRN(2, 2.0, 1e-4 / 5, 0.75, per_tower=True)
