from keras_alexnet.presets.one_weird_trick import ONE_WEIRD_TRICK


def test_it_is_one_tower_without_normalisation():
    recipe = ONE_WEIRD_TRICK.recipe
    assert (recipe.batch_size, recipe.bias_rate) == (128, 1)
    assert recipe.colour_noise is None
    assert ONE_WEIRD_TRICK.dropout == "inverted"
    assert ONE_WEIRD_TRICK.lrn is None
    assert {*ONE_WEIRD_TRICK.groups} == {1}
