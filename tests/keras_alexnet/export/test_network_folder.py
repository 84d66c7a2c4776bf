import pytest

from keras_alexnet import load
from keras_alexnet.export.network_folder import card_of, exported_folder
from tests import small
from tfrecords.errors import UserError


def test_the_folder_appears_with_its_facts_once_the_network_is_written(run, tmp_path):
    card, out = card_of(load(run)), tmp_path / "out"
    with exported_folder(card, out, "network.onnx", views=1, top=5) as path:
        assert not out.exists() and path.name == "network.onnx"
        path.write_bytes(b"net")
        path.with_suffix(".bin").write_bytes(b"more")
    names = {"config.json", "labels.txt", "statistics.npz"}
    assert {p.name for p in out.iterdir()} == names | {"network.onnx", "network.bin"}
    assert (out / "labels.txt").read_text().split() == [*small.CLASSES]


def test_nothing_is_left_of_one_that_fails(run, tmp_path):
    card = card_of(load(run))
    with pytest.raises(RuntimeError, match="no"):
        with exported_folder(card, tmp_path / "a/out", "x", views=1, top=5) as path:
            path.write_bytes(b"half")
            raise RuntimeError("no")
    assert not list((tmp_path / "a").iterdir())
    with pytest.raises(UserError, match="got 10 and 5 for x"):
        with exported_folder(card, tmp_path / "out", "x", views=10, top=5):
            raise AssertionError


def test_a_network_of_no_folder_has_no_source(run):
    network = load(run)
    network.path = type(run)()
    assert card_of(network).source == {}
