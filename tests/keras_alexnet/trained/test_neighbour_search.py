import json
import shutil

import numpy as np
import pytest

from keras_alexnet import load
from keras_alexnet.trained.neighbour_search import NeighbourSearch
from tests import small
from tfrecords.errors import UserError


@pytest.fixture(scope="module")
def network(run):
    return load(run)


def test_the_nearest_are_those_of_all_rows(network, index):
    search = NeighbourSearch(network, index)
    rows = np.concatenate([*search.index.blocks()]).astype(np.float64)
    pictures = [small.picture(label, 33) for label in range(3)]
    found = search.nearest([pictures[0], b"nothing", *pictures[1:]], 4)
    assert found.pop(1).startswith("unknown_format")
    for picture, near in zip(pictures, found, strict=True):
        apart = np.linalg.norm(rows - network.features([picture])[0], axis=1)
        order = np.argsort(apart, kind="stable")[:4].tolist()
        assert [each.row for each in near] == order
        for each in near:
            assert each.distance == pytest.approx(apart[each.row], rel=1e-12)
            assert each.file == search.index.files[each.row]
            assert each.label == search.index.labels[each.row]


def test_answers_are_plain_and_carry_errors(network, index, tmp_path):
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    good.write_bytes(small.encode(small.picture(1, 33)))
    bad.write_bytes(b"nothing")
    search = NeighbourSearch(network, index)
    near, failed = search.answers([good, bad], 2)
    found = search.nearest([good], 2)[0]
    assert near["file"] == str(good) and near["error"] == ""
    assert near["neighbours"] == [each._asdict() for each in found]
    assert failed["file"] == str(bad) and failed["neighbours"] == []
    assert failed["error"].startswith("unknown_format")
    assert json.loads(json.dumps([near, failed])) == [near, failed]


def test_pictures_that_cannot_be_read_are_not_looked_for(network, index):
    search = NeighbourSearch(network, index)
    empty, unknown = search.nearest([b"", b"nothing"])
    assert empty.startswith("empty") and unknown.startswith("unknown_format")
    assert search.nearest([]) == []


def test_an_index_has_to_be_of_the_network_and_the_layer(network, index, tmp_path):
    with pytest.raises(UserError, match="Expected layer fc6 in"):
        NeighbourSearch(network, index, "fc6")
    other = shutil.copy(index, tmp_path / "other.h5")
    facts = json.loads(index.with_name("index.h5.json").read_text())
    facts["network"]["sha256"] = "11"
    (tmp_path / "other.h5.json").write_text(json.dumps(facts))
    with pytest.raises(UserError, match=r"another network or epoch \(SHA-256 11\)"):
        NeighbourSearch(network, other)


def test_an_export_has_no_features_to_compare(exported, index):
    with pytest.raises(UserError, match="Expected a run or network folder"):
        NeighbourSearch(load(exported), index)
