import dataclasses
import inspect
import json
import shutil

import tyro

from keras_alexnet import cli
from keras_alexnet.commands import statistics
from tfrecords import Statistics
from tfrecords.verification.statistics_from_shards import (
    ExampleKeys,
    compute_statistics,
)


def test_defaults_are_those_of_the_functions():
    options = dataclasses.asdict(tyro.cli(statistics._Arguments, args=["data"]))
    own = {name: options.pop(name) for name in ("out", "force", "json")}
    assert own == {"out": None, "force": False, "json": None}
    del options["directory"]
    parameters = {
        **inspect.signature(compute_statistics).parameters,
        **inspect.signature(ExampleKeys).parameters,
    }
    assert {*options, "directory", "keys", "progress"} == set(parameters)
    assert options == {name: parameters[name].default for name in options}


def test_a_file_is_written_once_and_replaced_on_demand(dataset, tmp_path, capsys):
    folder, summary = tmp_path / "shards", tmp_path / "summary.json"
    folder.mkdir()
    for path in dataset.glob("*-train.tfrecord-*"):
        shutil.copy(path, folder)
    words = ["statistics", str(folder), "--size=72", "--processes=1"]
    assert cli.main([*words, "--json", str(summary)]) == 0
    printed = capsys.readouterr().out
    assert "Records by label: 0: 12, 1: 12, 2: 12. Labels 0 to 2" in printed
    assert f"{folder / 'statistics.npz'}: written." in printed
    found = json.loads(summary.read_text())
    assert (found["count"], found["size"], found["label_offset"]) == (36, 72, 0)
    assert found["class_counts"] == [12, 12, 12]

    assert cli.main([*words, "--label-key="]) == 0
    printed = capsys.readouterr().out
    assert "Labels were not counted." in printed and "the same already" in printed

    other = [*words[:2], "--size=64", "--processes=1"]
    assert cli.main(other) == 1
    assert "--force" in capsys.readouterr().err
    assert cli.main([*other, "--force"]) == 0
    assert Statistics.load(folder).mean_image.shape == (64, 64, 3)


def test_a_damaged_file_is_kept_unless_it_may_be_replaced(dataset, tmp_path, capsys):
    file = tmp_path / "mine.npz"
    file.write_bytes(b"of others")
    words = ["statistics", str(dataset), "--processes=1", "--out", str(file)]
    assert cli.main(words) == 1
    assert "--force" in capsys.readouterr().err
    assert file.read_bytes() == b"of others"
    assert cli.main([*words, "--force"]) == 0
    assert file.read_bytes() == (dataset / "statistics.npz").read_bytes()
