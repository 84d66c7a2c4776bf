import json
import os

from keras_alexnet.cli import main
from tests.small import encode, picture
from tests.tfrecords.conftest import LATIN


def test_predictions_of_files_of_any_bytes_are_shown_and_written(run, tmp_path, capsys):
    pictures = tmp_path / LATIN
    pictures.mkdir()
    (pictures / f"{LATIN}.jpg").write_bytes(encode(picture(0, 0)))
    (pictures / f"{LATIN}.bad").write_bytes(b"no picture")
    files = {kind: tmp_path / f"out.{kind}" for kind in ("json", "csv")}
    arguments = [f"--{kind}={path}" for kind, path in files.items()]
    assert main(["predict", str(run), str(pictures), *arguments]) == 1
    said = capsys.readouterr()
    assert "caf" in said.err and "caf" in said.out
    named = [row["file"] for row in json.loads(files["json"].read_text())]
    assert named == [str(pictures / f"{LATIN}{end}") for end in (".bad", ".jpg")]
    assert os.fsencode(named[0]) in files["csv"].read_bytes()
