from keras_alexnet.presets import LRN
from keras_alexnet.presets.paper import PAPER


def test_it_is_what_the_paper_prints():
    recipe = PAPER.recipe
    assert (recipe.batch_size, recipe.bias_rate) == (128, 1)  # section 5
    assert recipe.colour_noise == "eigenvalue"  # section 4.1
    assert PAPER.dropout == "original"  # section 4.2
    assert PAPER.lrn == LRN(2, 2.0, 1e-4, 0.75, per_tower=True)  # section 3.3
