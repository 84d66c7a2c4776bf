import dataclasses
import inspect
import json
import shutil

import pytest
import tyro

import tfrecords
from keras_alexnet import cli
from keras_alexnet.commands import verify


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
