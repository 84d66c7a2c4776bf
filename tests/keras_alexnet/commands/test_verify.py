import dataclasses
import inspect
import json
import shutil

import pytest
import tyro

import tfrecords
from keras_alexnet import cli
from keras_alexnet.commands import verify
from tests import small
from tfrecords.verification.result import Verification, VerifiedSplit


def test_defaults_are_those_of_the_function():
    options = dataclasses.asdict(tyro.cli(verify._Arguments, args=["data"]))
    assert options.pop("json") is None
    del options["directory"]
    parameters = inspect.signature(tfrecords.verify).parameters
    assert {*options, "directory", "progress"} == set(parameters)
    assert options == {name: parameters[name].default for name in options}


def test_a_sound_dataset_is_summed_up(dataset, tmp_path, capsys):
    out = tmp_path / "new" / "found.json"
    arguments = ["verify", str(dataset), "--processes", "1", "--json", str(out)]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr().out
    assert f"{dataset}: 36 train, 12 validation; all is well." in printed
    found = json.loads(out.read_text())
    assert (found["ok"], found["counts"]) == (True, {"train": 36, "validation": 12})
    for split, held in found["splits"].items():
        assert f"{split}" in printed and f"{held['records']}" in printed


@pytest.mark.parametrize("part", ["labels.txt", "statistics.npz"])
def test_what_is_wrong_is_printed_and_told_by_the_status(
    dataset, tmp_path, capsys, part
):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / part).unlink()
    assert cli.main(["verify", str(copy), "--processes=1"]) == 1
    printed = capsys.readouterr()
    assert part in printed.err
    assert "; 1 problems." in printed.out


@pytest.fixture(scope="module")
def leaking(tmp_path_factory):
    """A dataset with a picture in two splits, and one that a split holds twice."""
    root = tmp_path_factory.mktemp("leaking")
    train = small.write_tree(root / "in" / "train", 3)
    for label, name in enumerate(small.CLASSES):
        path = root / "in" / "val" / name / "1.jpg"
        path.parent.mkdir(parents=True)
        path.write_bytes(small.encode(small.picture(label, 50)))
    shutil.copy(train / "blue" / "000.jpg", train / "blue" / "again.jpg")
    shutil.copy(train / "blue" / "001.jpg", root / "in" / "val" / "blue" / "2.jpg")
    options = {"size": 32, "shards": 1, "processes": 1, "progress": False}
    tfrecords.build(root / "in", root / "out", **options)
    return root / "out"


def test_a_table_is_printed_and_leaks_are_problems_if_asked(leaking, capsys):
    arguments = ["verify", str(leaking), "--processes", "1"]
    assert cli.main(arguments) == 0
    lines = capsys.readouterr().out.splitlines()
    row = next(line for line in lines if "train" in line and "10" in line)
    assert "3-4" in row
    assert "1 pictures are in more than one split" in lines[-1]
    assert "well" not in lines[-1]
    assert cli.main([*arguments, "--fail-on-leaks"]) == 1
    printed = capsys.readouterr()
    assert "more than one split" in printed.err
    assert printed.out.endswith("; 1 problems.\n")


@pytest.mark.parametrize(
    ("leaks", "repeats", "verdict"),
    [
        (0, 0, "all is well"),
        (1000, 0, "no damage, but 1,000 pictures are in more than one split"),
        (0, 2, "no damage, but 2 pictures repeat another of their split"),
        (
            *(3, 2),
            "no damage, but 3 pictures are in more than one split and 2 pictures "
            "repeat another of their split",
        ),
    ],
)
def test_the_last_line_does_not_contradict_the_notes(
    monkeypatch, capsys, leaks, repeats, verdict
):
    train = VerifiedSplit(1, 12, 99, 2, (6, 6), repeats, leaks)
    found = Verification("data", splits={"train": train}, leaks=leaks)
    monkeypatch.setattr(verify, "verify", lambda *_, **__: found)
    assert cli.main(["verify", "data"]) == 0
    line = capsys.readouterr().out.splitlines()[-1]
    assert line == f"data: 12 train; {verdict}."
