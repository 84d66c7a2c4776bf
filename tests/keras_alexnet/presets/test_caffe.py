import pytest

from keras_alexnet.presets import LRN
from keras_alexnet.presets.caffe import CAFFE_ALEXNET, CAFFENET


@pytest.mark.parametrize("preset", [CAFFE_ALEXNET, CAFFENET], ids=lambda p: p.name)
def test_what_both_prototxt_files_say(preset):
    assert (preset.recipe.batch_size, preset.recipe.bias_rate) == (256, 2)
    assert preset.recipe.colour_noise is None
    assert preset.dropout == "inverted"
    assert preset.lrn == LRN(2, 1.0, 1e-4 / 5, 0.75, per_tower=False)


def test_one_pools_before_it_normalises_and_the_other_after():
    assert CAFFENET.block1 == ("activation", "pool", "lrn") == CAFFENET.block2
    assert CAFFE_ALEXNET.block1 == ("activation", "lrn", "pool")
