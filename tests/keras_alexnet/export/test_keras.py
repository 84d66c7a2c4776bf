import numpy as np

from keras_alexnet import load
from keras_alexnet.export import EXPORTERS


def test_the_network_itself_comes_back_with_a_card(network, assert_named, tmp_path):
    folder = EXPORTERS["keras"](network, tmp_path / "out", views=1, top=5)
    again = load(folder)
    for ours, theirs in zip(again.model.weights, network.model.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert again.labels == network.labels and again.config.control is None
    assert_named(folder)
