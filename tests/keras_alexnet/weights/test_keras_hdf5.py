import h5py
import numpy as np
import pytest

from keras_alexnet import alexnet, load
from keras_alexnet.weights.importing import import_weights
from keras_alexnet.weights.keras_hdf5 import own_arrays, read
from keras_alexnet.weights.own import TENSORS
from keras_alexnet.weights.signature import tell_format
from tests import small
from tests.keras_alexnet.weights import small_presets
from tfrecords.errors import UserError


@pytest.mark.parametrize("dropout", ["original", "inverted", None])
def test_the_weights_are_those_of_the_network(tmp_path, dropout):
    model = alexnet(small.preset("paper", dropout=dropout), 3)
    path = tmp_path / "net.weights.h5"
    model.save_weights(path)
    assert tell_format(path) == "weights.h5"
    found = read(path).arrays
    assert sorted(found) == sorted(TENSORS)
    for name, array in found.items():
        layer, _, part = name.partition(".")
        np.testing.assert_array_equal(array, getattr(model.get_layer(layer), part))


def test_its_shapes_or_a_name_tell_the_preset(tmp_path, monkeypatch):
    small_presets.use(monkeypatch)
    model = alexnet(small_presets.ONE_WEIRD_TRICK, 3, seed=1)
    path = tmp_path / "net.weights.h5"
    model.save_weights(path)
    with pytest.raises(UserError, match="of preset paper, found"):
        import_weights(path, tmp_path / "net", preset="paper")
    told = import_weights(path, tmp_path / "net")
    assert (told.format, told.preset) == ("weights.h5", "one_weird_trick")
    found = load(tmp_path / "net").model
    for ours, theirs in zip(found.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_what_is_no_weight_of_ours_keeps_its_name(tmp_path):
    path = tmp_path / "x.weights.h5"
    with h5py.File(path, "w") as file:
        for name in ("dense/vars/0", "dense_3/vars/0", "dense/vars/2", "dense/vars/x"):
            file[f"layers/{name}"] = np.ones(2, "f")
        file["layers/fc7/vars/1"] = np.ones(2, "f")
    assert {*own_arrays(path)} == {
        *("fc6.kernel", "fc7.bias", "dense_3.kernel"),
        *("dense/vars/2", "dense/vars/x"),
    }
