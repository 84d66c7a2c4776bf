import numpy as np
import pytest

from keras_alexnet import alexnet
from keras_alexnet.presets import PRESETS
from keras_alexnet.weights.fitting import weight_shapes
from keras_alexnet.weights.importing import mean_statistics
from keras_alexnet.weights.own import OWN_RULE, TENSORS, with_statistics
from tests import small
from tfrecords.errors import UserError
from tfrecords.images.options import ImageOptions


def test_the_tensors_are_those_of_every_preset():
    for preset in PRESETS.values():
        assert list(weight_shapes(preset, 10)) == list(TENSORS)
    assert alexnet(small.preset(), 3).get_layer("fc8") is not None


def test_pictures_are_taken_to_be_as_a_build_stores_them():
    assert (OWN_RULE.stored_size, OWN_RULE.resize_filter) == (
        ImageOptions().size,
        ImageOptions().filter,
    )


@pytest.mark.parametrize("kind", ["image", "channel"])
def test_statistics_give_the_mean_that_the_recipe_subtracts(dataset, kind):
    path = dataset / "statistics.npz"
    rule, statistics = with_statistics(path, small.preset(mean=kind))
    expected = statistics.mean_image
    if kind == "channel":
        expected = statistics.channel_means.astype("float32")
    np.testing.assert_array_equal(rule.mean, expected)
    assert (rule.stored_size, rule.resize, rule.mean_at) == (72, "short_side", "centre")


def test_other_files_and_smaller_pictures_are_refused(dataset, tmp_path):
    with pytest.raises(UserError, match="found no file"):
        with_statistics(tmp_path / "none", small.preset())
    with pytest.raises(UserError, match="of 99 pixels or more, found 72 x 72"):
        with_statistics(dataset / "statistics.npz", small.preset(input_size=99))
    odd = np.zeros((80, 80, 3), "float32")
    mean_statistics(odd, 80).save(tmp_path / "x.npz")
    assert with_statistics(tmp_path / "x.npz", small.preset())[0].stored_size == 80
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(UserError, match="is damaged"):
        with_statistics(tmp_path / "text.npz", small.preset())
