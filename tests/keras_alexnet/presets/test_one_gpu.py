from keras_alexnet.presets.one_gpu import ONE_GPU
from keras_alexnet.presets.released import RELEASED


def test_it_halves_four_layers_and_leaves_the_rest_as_it_was_run():
    halved = tuple(count // 2 for count in RELEASED.filters[:4])
    assert ONE_GPU.filters == (*halved, RELEASED.filters[4])  # footnote 2
    assert {*ONE_GPU.groups} == {1}
    assert ONE_GPU.units == RELEASED.units
    assert (ONE_GPU.recipe, ONE_GPU.lrn) == (RELEASED.recipe, RELEASED.lrn)
