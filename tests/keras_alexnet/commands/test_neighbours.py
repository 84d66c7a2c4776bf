import json
import shutil

import h5py
import numpy as np
import pytest
from PIL import Image

from keras_alexnet import cli, load
from keras_alexnet.figures.neighbours import GAP, SIDE, TEXT
from tests import small


def neighbours(*arguments):
    return cli.main(["neighbours", *map(str, arguments)])


def test_the_nearest_pictures_are_shown_and_written(
    run, index, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("COLUMNS", "60")
    query, bad, out = (tmp_path / name for name in ("q.jpg", "bad.jpg", "out.json"))
    query.write_bytes(small.encode(small.picture(1, 33)))
    bad.write_bytes(b"nothing")
    places = [run, index, query, bad, "--count", 3, "--json", out]
    assert neighbours(*places) == 1
    answer, failed = json.loads(out.read_text())
    assert failed["file"] == str(bad) and failed["neighbours"] == []
    assert failed["error"].startswith("unknown_format")
    said = capsys.readouterr()
    assert "bad.jpg: unknown_format" in said.err
    beside = json.loads(index.with_name("index.h5.json").read_text())
    network = load(run)
    with h5py.File(index) as file:
        rows = file["fc7"][:].astype(np.float64)
    apart = np.linalg.norm(rows - network.features([query])[0], axis=1)
    order = np.argsort(apart, kind="stable")[:3]
    assert answer["file"] == str(query) and answer["error"] == ""
    for near, row in zip(answer["neighbours"], order.tolist(), strict=True):
        assert near["row"] == row and near["file"] == beside["files"][row]
        assert near["label"] == beside["labels"][row]
        assert near["distance"] == pytest.approx(apart[row], rel=1e-12)
    table = "".join(character for character in said.out if character not in "│ \n")
    assert query.name in table  # folded, not cut off
    assert all(near["file"].split("/")[-1] in table for near in answer["neighbours"])


def test_a_sheet_is_drawn_of_what_can_be_read(run, index, tmp_path, capsys):
    query, bad, out = (tmp_path / name for name in ("q.jpg", "bad.jpg", "out.png"))
    query.write_bytes(small.encode(small.picture(1, 33)))
    bad.write_bytes(b"nothing")
    assert neighbours(run, index, bad, query, "--count", 2, "--sheet", out) == 1
    with Image.open(out) as sheet:
        width, height = sheet.size
    assert width == 3 * (SIDE + GAP) + 2 * GAP
    assert height > SIDE + TEXT + GAP  # the caption lies below
    out.unlink()
    assert neighbours(run, index, bad, "--sheet", out) == 1 and not out.exists()
    capsys.readouterr()
    assert neighbours(run, index, query, "--count", 300, "--sheet", out) == 1
    assert "Expected at most 300 pictures in a sheet" in capsys.readouterr().err


def test_an_index_of_another_network_is_refused(run, index, tmp_path, capsys):
    query = tmp_path / "q.jpg"
    query.write_bytes(small.encode(small.picture(1, 33)))
    other = shutil.copy(index, tmp_path / "other.h5")
    facts = json.loads(index.with_name("index.h5.json").read_text())
    facts["network"]["sha256"] = "11"
    (tmp_path / "other.h5.json").write_text(json.dumps(facts))
    assert neighbours(run, other, query) == 1
    assert "got one of another network or epoch (SHA-256 11)" in capsys.readouterr().err
    assert neighbours(run, index, query, "--layer", "fc6") == 1
    assert "Expected layer fc6" in capsys.readouterr().err
    assert neighbours(run, index, query, "--count", "0") == 1
    assert "count" in capsys.readouterr().err
