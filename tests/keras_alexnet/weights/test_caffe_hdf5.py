import h5py
import numpy as np

from keras_alexnet.weights.caffe_hdf5 import read
from keras_alexnet.weights.fitting import find_misfits
from keras_alexnet.weights.layout import FileOrder, from_channels_first
from tests import small
from tests.keras_alexnet.weights.caffe_files import random_tensors


def test_blobs_are_those_of_a_caffemodel(tmp_path):
    preset = small.preset("caffenet")
    tensors = random_tensors(preset, 5)
    path = tmp_path / "net.caffemodel.h5"
    with h5py.File(path, "w") as file:
        for name, array in tensors.items():
            layer, part = name.split(".")
            file[f"data/{layer}/{('kernel', 'bias').index(part)}"] = array
        file.create_group("data/relu1")
    found = read(path)
    assert found.presets == ("caffe_alexnet", "caffenet") and not found.certain
    assert not find_misfits(found, preset)
    for name, array in from_channels_first(tensors, FileOrder("bgr", "chw")).items():
        np.testing.assert_array_equal(found.arrays[name], array)
    with h5py.File(path, "a") as file:
        file["data/conv1/2"] = file["data/conv1/odd"] = np.ones(3, "f")
    left = {row.tensor for row in find_misfits(read(path), preset)}
    assert left == {"conv1.2", "conv1.odd"}
