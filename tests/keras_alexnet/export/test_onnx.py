import json

import onnx
import pytest

from keras_alexnet.export import EXPORTERS
from keras_alexnet.trained.card import read_card
from tests import small
from tfrecords.errors import UserError


@pytest.fixture(scope="module")
def folder(network, tmp_path_factory):
    out = tmp_path_factory.mktemp("onnx") / "out"
    return EXPORTERS["onnx"](network, out, views=1, top=5)


def test_the_file_says_what_it_is_to_other_programs(folder, network):
    props = onnx.load(folder / "network.onnx").metadata_props
    card = json.loads({each.key: each.value for each in props}["card"])
    assert card["labels"] == [*small.CLASSES] and card["preset"] == "released"
    assert card["source"]["name"] == network.path.name
    assert read_card  # whose form it has
    assert json.loads((folder / "config.json").read_text())["input"]["layout"] == "NCHW"


def test_the_cards_own_program_names_a_picture(folder, assert_named):
    assert_named(folder)


def test_equal_networks_give_equal_bytes(folder, network, tmp_path):
    again = EXPORTERS["onnx"](network, tmp_path / "again", views=1, top=5)
    for file in sorted(folder.iterdir()):
        assert file.read_bytes() == (again / file.name).read_bytes()


def test_views_are_for_who_runs_it(network, tmp_path):
    with pytest.raises(UserError, match="--views and --top for a SavedModel alone"):
        EXPORTERS["onnx"](network, tmp_path / "out", views=10, top=5)
