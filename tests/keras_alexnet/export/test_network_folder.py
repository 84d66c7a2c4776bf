import dataclasses
import json

import pytest

from keras_alexnet import load
from keras_alexnet.export.format import Format
from keras_alexnet.export.network_folder import card_of, exported_folder
from tests import small
from tfrecords.errors import UserError

FORMAT = Format(
    "some",
    "network.some",
    "Some format",
    "some-package",
    lambda network: "print(1)\n",
    lambda path, network: network.probabilities,
    layout="NCHW",
)


def test_the_folder_appears_with_its_facts_once_it_was_checked(network, tmp_path):
    out = tmp_path / "out"

    def opened(path, given):
        assert path.read_bytes() == b"net" and not out.exists()
        return given.probabilities

    kind = dataclasses.replace(FORMAT, opened=opened)
    with exported_folder(network, out, kind, views=1, top=5) as path:
        assert not out.exists() and path.name == "network.some"
        path.write_bytes(b"net")
        path.with_suffix(".bin").write_bytes(b"more")
    names = {"config.json", "labels.txt", "statistics.npz", "README.md"}
    assert {p.name for p in out.iterdir()} == names | {"network.some", "network.bin"}
    assert (out / "labels.txt").read_text().split() == [*small.CLASSES]
    assert json.loads((out / "config.json").read_text())["input"]["layout"] == "NCHW"


def wrong(path, network):
    return lambda images: network.probabilities(images)[:, ::-1]


def test_nothing_is_left_of_one_that_fails(network, tmp_path):
    where = {"views": 1, "top": 5}
    with pytest.raises(RuntimeError, match="no"):
        with exported_folder(network, tmp_path / "a/out", FORMAT, **where) as path:
            path.write_bytes(b"half")
            raise RuntimeError("no")
    assert not list((tmp_path / "a").iterdir())
    kind = dataclasses.replace(FORMAT, opened=wrong)
    with pytest.raises(UserError, match="from some, found for all 12 pictures"):
        with exported_folder(network, tmp_path / "a/out", kind, **where) as path:
            path.write_bytes(b"wrong")
    assert not list((tmp_path / "a").iterdir())
    with pytest.raises(UserError, match="got 10 and 5 for some"):
        with exported_folder(network, tmp_path / "out", FORMAT, views=10, top=5):
            raise AssertionError


def test_a_network_of_no_folder_has_no_source(run):
    network = load(run)
    network.path = type(run)()
    assert card_of(network).source == {}
