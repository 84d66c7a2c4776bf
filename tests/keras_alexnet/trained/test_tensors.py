import numpy as np
import pytest
from safetensors.numpy import save_file

from keras_alexnet import alexnet
from keras_alexnet.trained.misfit import WeightsMisfit
from keras_alexnet.trained.tensors import (
    assign_tensors,
    load_tensors,
    model_tensors,
)
from tests import small
from tfrecords.errors import UserError

PRESET = small.preset("paper", dropout="inverted")


@pytest.fixture
def tensors():
    return model_tensors(alexnet(PRESET, 3, seed=1))


def test_kernels_and_biases_go_there_and_back(tensors, tmp_path):
    assert len(tensors) == 16 and tensors["fc8.kernel"].shape == (16, 3)
    save_file(tensors, tmp_path / "x")
    found = model_tensors(load_tensors(tmp_path / "x", PRESET, 3))
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(found[name], tensor)


def test_what_does_not_fit_changes_nothing(tensors):
    model = alexnet(PRESET, 3, seed=2)
    before = model_tensors(model)
    del tensors["fc8.bias"]
    with pytest.raises(WeightsMisfit, match=r"found 1 that.*first fc8\.bias"):
        assign_tensors(model, tensors)
    for name, tensor in model_tensors(model).items():
        np.testing.assert_array_equal(before[name], tensor)


def test_a_damaged_file_and_one_of_another_network_are_refused(tensors, tmp_path):
    save_file(tensors, tmp_path / "x")
    with pytest.raises(WeightsMisfit, match=r"first fc8\.kernel"):
        load_tensors(tmp_path / "x", PRESET, 4)
    data = (tmp_path / "x").read_bytes()
    for damaged in (b"", data[:-1], b"\xff" * 100):
        (tmp_path / "x").write_bytes(damaged)
        with pytest.raises(UserError, match="Cannot load") as error:
            load_tensors(tmp_path / "x", PRESET, 3)
        assert "\n" not in str(error.value)
