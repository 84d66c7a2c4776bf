import csv
import json
import os

import pytest

from keras_alexnet import cli
from keras_alexnet.commands.predict import list_pictures
from tests import small
from tests.tfrecords.conftest import LATIN
from tfrecords.errors import UserError


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_predict_prints_a_table_and_writes_json_and_csv(run, tmp_path, capsys):
    picture = tmp_path / "one.jpg"
    picture.write_bytes(small.encode(small.picture(2, 1)))
    bad = tmp_path / "two.jpg"
    bad.write_bytes(b"nothing")
    out_json, out_csv = tmp_path / "out.json", tmp_path / "out.csv"
    arguments = ["predict", str(run), str(picture)]
    files = ["--json", str(out_json), "--csv", str(out_csv)]
    assert cli.main([*arguments, *files]) == 0
    answer = json.loads(out_json.read_text())[0]
    assert answer["labels"][0] in capsys.readouterr().out
    rows = list(csv.DictReader(out_csv.read_text().splitlines()))
    assert [row["label"] for row in rows] == answer["labels"]
    assert cli.main([*arguments, str(bad)]) == 1
    assert "two.jpg: unknown_format" in capsys.readouterr().err


def test_views_of_an_export_are_refused_and_its_top_is_not(exported, tmp_path, capsys):
    picture = tmp_path / "one.jpg"
    picture.write_bytes(small.encode(small.picture(2, 1)))
    out = tmp_path / "out.json"
    arguments = ["predict", str(exported), str(picture), "--json", str(out)]
    assert cli.main([*arguments, "--views", "10"]) == 1
    error = capsys.readouterr().err.strip()
    assert "Leave --views out, or take the folder" in error and "\n" not in error
    assert not out.exists()
    for more in ([], ["--views", "1"]):
        assert cli.main([*arguments, "--top", "2", *more]) == 0
        (answer,) = json.loads(out.read_text())
        assert len(answer["labels"]) == 2


def test_folders_are_listed_as_build_lists_them(tmp_path):
    for name in ("b.jpg", "a/c.jpg", "Thumbs.db"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    single = tmp_path / "Thumbs.db"  # as it is named
    found = list_pictures([single, tmp_path])
    assert found == [single, tmp_path / "a" / "c.jpg", tmp_path / "b.jpg"]


def test_no_picture_is_an_error(tmp_path):
    with pytest.raises(UserError, match="found no file in"):
        list_pictures([tmp_path])
    with pytest.raises(UserError, match="found no .*missing.jpg"):
        list_pictures([tmp_path / "missing.jpg"])


def test_predictions_of_files_of_any_bytes_are_shown_and_written(run, tmp_path, capsys):
    pictures = tmp_path / LATIN
    pictures.mkdir()
    encoded = small.encode(small.picture(0, 0))
    (pictures / f"{LATIN}.jpg").write_bytes(encoded)
    (pictures / f"{LATIN}.bad").write_bytes(b"no picture")
    files = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv")}
    arguments = [f"--{kind}={path}" for kind, path in files.items()]
    assert cli.main(["predict", str(run), str(pictures), *arguments]) == 1
    said = capsys.readouterr()
    assert "caf" in said.err and "caf" in said.out
    named = [row["file"] for row in json.loads(files["json"].read_text())]
    assert named == [str(pictures / f"{LATIN}{end}") for end in (".bad", ".jpg")]
    assert os.fsencode(named[0]) in files["csv"].read_bytes()
