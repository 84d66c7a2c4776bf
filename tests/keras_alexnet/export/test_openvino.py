import xml.etree.ElementTree as ET

import numpy as np
import pytest

from keras_alexnet.export import EXPORTERS


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    out = tmp_path_factory.mktemp("openvino") / "out"
    return EXPORTERS["openvino"](network, out, views=1, top=5)


def test_the_cards_own_program_names_a_picture(folder, assert_named):
    assert_named(folder)


def test_weights_are_float32_and_operations_whole(folder, network):
    weights = sum(np.prod(w.shape) for w in network.model.trainable_weights)
    assert (folder / "network.bin").stat().st_size >= 4 * weights
    layers = ET.parse(folder / "network.xml").getroot().iter("layer")
    kinds = [layer.get("type") for layer in layers]
    assert kinds.count("GroupConvolution") == 3 and kinds.count("LRN") == 2
