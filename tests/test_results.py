"""What becomes of results where files, names, streams or patience give out."""

import csv
import errno
import json
import os
import shutil
import sys

import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.inference.classifier import classify
from tests import small

CLASSES = ("[red] snapper", "dog [/b] :smile:", "\x1b[2J\u202eK\xe4fer")
NAMES = ("[b]one[/b].png", "two :smile: [/].png", "th\nr\x1bee.png", "f\udcffour.png")


class FakeNetwork:
    """Answers every picture with the same classes, and is interrupted at a pass."""

    def __init__(self, last_pass=None):
        self.last_pass, self.passes = last_pass, 0

    def probabilities(self, image_bytes):
        if self.passes == self.last_pass:
            raise KeyboardInterrupt
        self.passes += 1
        return np.tile([0.5, 0.25, 0.25], (len(image_bytes), 1))

    def predict(self, pictures, *, views, top):
        return list(classify(pictures, self.probabilities, CLASSES, top=top))


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setenv("COLUMNS", "250")
    network = FakeNetwork()
    monkeypatch.setattr("keras_alexnet.trained.opening.load", lambda *_, **__: network)
    return network


def pictures(folder, names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(small.encode(small.picture(0, 0), "PNG"))
    return folder


def test_names_are_printed_as_they_are_and_never_raise(network, tmp_path, capsys):
    folder = pictures(tmp_path / "p", NAMES)
    (folder / "[red]bad\n.png").write_text("no picture")
    table, rows = tmp_path / "out.csv", tmp_path / "out.json"
    command = ["predict", "m", str(folder), "--csv", str(table), "--json", str(rows)]
    assert cli.main(command) == 1
    printed = capsys.readouterr()
    for shown in ("[b]one[/b].png", "two :smile: [/].png", r"th\nr\x1bee.png"):
        assert shown in printed.out
    assert r"f\xffour.png" in printed.out
    assert "[red] snapper" in printed.out and "dog [/b] :smile: 25.0%" in printed.out
    assert r"\x1b[2J\u202eKäfer 25.0%" in printed.out
    assert "\x1b" not in printed.out and r"[red]bad\n.png: " in printed.err
    with table.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        files = {row["file"] for row in csv.DictReader(file)}
    assert {str(folder / name) for name in NAMES} < files
    assert {row["file"] for row in json.loads(rows.read_text())} == files


def test_an_interrupted_predict_writes_what_was_done(network, tmp_path, capsys):
    network.last_pass = 1
    folder = pictures(tmp_path / "p", [f"{n:03}.png" for n in range(40)])
    table, rows = tmp_path / "new" / "out.csv", tmp_path / "new" / "out.json"
    command = ["predict", "m", str(folder), "--csv", str(table), "--json", str(rows)]
    assert cli.main(command) == 130
    done = json.loads(rows.read_text())
    assert 0 < len(done) < 40 and done[0]["labels"] == list(CLASSES)
    assert table.read_text().count("\n") == 1 + 3 * len(done)
    printed = capsys.readouterr()
    assert "000.png" in printed.out and "039.png" not in printed.out
    assert f"Stopped after {len(done)} files" in printed.err
    assert str(table) in printed.err and str(rows) in printed.err


def test_an_interrupt_before_the_first_picture_writes_nothing(
    network, tmp_path, capsys
):
    network.last_pass = 0
    folder = pictures(tmp_path / "p", ["one.png"])
    rows = tmp_path / "out.json"
    rows.write_text("of an earlier call")
    assert cli.main(["predict", "m", str(folder), "--json", str(rows)]) == 130
    assert "Nothing was written" in capsys.readouterr().err
    assert rows.read_text() == "of an earlier call"


def test_a_file_that_fails_at_the_end_costs_no_result(
    network, tmp_path, monkeypatch, capsys
):
    folder = pictures(tmp_path / "p", ["one.png"])
    path = tmp_path / "out.json"

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert cli.main(["predict", "m", str(folder), "--json", str(path)]) == 1
    printed = capsys.readouterr()
    assert "one.png" in printed.out and "50.0%" in printed.out
    assert "No space left" in printed.err and "out.json" in printed.err
    assert ".tmp" not in printed.err and printed.err.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "run", "data", "--json", "FILE"],
        ["evaluate", "run", "data", "--csv", "FILE"],
        ["evaluate", "run", "data", "--confusion-csv", "FILE"],
        ["predict", "m", "p", "--json", "FILE"],
        ["predict", "m", "p", "--csv", "FILE"],
        ["verify", "data", "--json", "FILE"],
        ["statistics", "data", "--json", "FILE"],
        ["statistics", "data", "--out", "FILE"],
        ["figures", "curves", "run", "--out", "FILE"],
        ["devices", "--json", "FILE"],
        ["benchmark", "step", "--json", "FILE"],
        ["benchmark", "inference", "--json", "FILE"],
        ["benchmark", "input", "data", "--json", "FILE"],
        ["benchmark", "fit", "data", "--json", "FILE"],
        ["info", "--json", "FILE"],
        ["export", "run", "FILE"],
    ],
    ids=lambda command: " ".join([command[0], command[-2]]),
)
def test_each_verb_refuses_at_once_what_it_could_not_write(command, tmp_path, capsys):
    (tmp_path / "file").write_text("kept")
    path = str(tmp_path / "file" / "out.png")
    assert cli.main([path if word == "FILE" else word for word in command]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith(f"alexnet {command[0]}: Cannot write {path}")
    assert printed.out == ""
    assert (tmp_path / "file").read_text() == "kept"


def test_evaluate_goes_on_where_the_run_cannot_keep_the_figures(
    run, dataset, tmp_path, capsys
):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "metrics.json").unlink(missing_ok=True)
    (copy / "metrics.json").mkdir()
    path = tmp_path / "new" / "out.json"
    command = ["evaluate", str(copy), str(dataset), "--views", "1", "--json", str(path)]
    assert cli.main(command) == 0
    printed = capsys.readouterr()
    assert "top-1 error" in printed.out and "taken for" in printed.out
    assert "Warning: Cannot write" in printed.err and "metrics.json" in printed.err
    assert json.loads(path.read_text())["images"] == 12


def test_statistics_are_printed_though_another_file_is_there(dataset, tmp_path, capsys):
    out = tmp_path / "s.npz"
    out.write_text("another")
    command = ["statistics", str(dataset), "--processes", "1", "--out", str(out)]
    assert cli.main(command) == 1
    printed = capsys.readouterr()
    assert "36 pictures" in printed.out and "--force" in printed.err
    assert out.read_text() == "another"


def interrupted(*_, **__):
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("command", "function", "said"),
    [
        (["verify", "DATA"], "keras_alexnet.commands.verify.verify", "Nothing was"),
        (
            ["evaluate", "RUN", "DATA"],
            "keras_alexnet.evaluation.accuracy.evaluate",
            "Nothing was written",
        ),
        (
            ["export", "RUN", "OUT"],
            "keras_alexnet.export.saved_model.export",
            "Nothing was written",
        ),
        (["build", "DATA", "OUT"], "tfrecords.build", "Finished shards are kept"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_each_interrupted_verb_says_what_is_kept(
    command, function, said, run, dataset, tmp_path, monkeypatch, capsys
):
    places = {"RUN": str(run), "DATA": str(dataset), "OUT": str(tmp_path / "out")}
    monkeypatch.setattr(function, interrupted, raising=False)
    assert cli.main([places.get(word, word) for word in command]) == 130
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["[a]", "a*b", "what?", "a\\b"])
def test_an_export_that_could_not_be_loaded_is_refused(name, run, tmp_path, capsys):
    assert cli.main(["export", str(run), str(tmp_path / name)]) == 1
    error = capsys.readouterr().err
    assert "file pattern" in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_run_and_dataset_folders_may_have_any_name(run, dataset, tmp_path, capsys):
    folder = tmp_path / "a[1] {x}*?\\"
    shutil.copytree(run, folder / "run")
    shutil.copytree(dataset, folder / "data")
    picture = folder / "[x].png"
    picture.write_bytes(small.encode(small.picture(0, 0), "PNG"))
    report = folder / "[new]" / "out.json"
    evaluate = ["evaluate", str(folder / "run"), str(folder / "data"), "--views", "1"]
    assert cli.main([*evaluate, "--json", str(report)]) == 0
    assert json.loads(report.read_text())["images"] == 12
    assert cli.main(["verify", str(folder / "data"), "--processes", "1"]) == 0
    assert cli.main(["predict", str(folder / "run"), str(folder)]) in (0, 1)
    assert "[x].png" in capsys.readouterr().out


def test_a_stream_of_ascii_takes_names_and_tables(tmp_path, network, monkeypatch):
    import io

    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    folder = pictures(tmp_path / "p", ["K\xe4fer.png", "\udcff.png"])
    assert cli.main(["predict", "m", str(folder)]) == 0
    stream.flush()
    text = raw.getvalue().decode("ascii")
    assert r"K\xe4fer.png" in text and r"\xff.png" in text and "| class" in text
