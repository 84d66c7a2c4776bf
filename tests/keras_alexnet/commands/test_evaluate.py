import json
import shutil

import pytest

from keras_alexnet import cli


def test_evaluate_writes_figures_and_keeps_them(run, dataset, tmp_path, capsys):
    figures = tmp_path / "figures.json"
    arguments = ["evaluate", str(run), str(dataset), "--views", "1"]
    assert cli.main([*arguments, "--json", str(figures)]) == 0
    out = capsys.readouterr().out
    assert "top-1 error" in out and "12 pictures" in out
    kept = json.loads((run / "metrics.json").read_text().splitlines()[-1])
    assert kept["top1_error"] == json.loads(figures.read_text())["top1_error"]
    assert kept["views"] == 1


def test_damaged_records_are_explained(run, dataset, tmp_path, capsys):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    shard = sorted(copy.glob("*validation*"))[0]
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    assert cli.main(["evaluate", str(run), str(copy)]) == 1
    error = capsys.readouterr().err
    assert "damaged" in error and "alexnet verify" in error


def test_an_export_is_evaluated_and_keeps_no_figures(
    exported, dataset, tmp_path, capsys
):
    figures = tmp_path / "figures.json"
    arguments = ["evaluate", str(exported), str(dataset), "--json", str(figures)]
    assert cli.main(arguments) == 0
    assert "12 pictures, 10 view(s)" in capsys.readouterr().out
    assert json.loads(figures.read_text())["runs"] == [str(exported)]
    assert not list(exported.glob("metrics.json"))


def test_a_network_and_a_dataset_are_needed(run, capsys):
    assert cli.main(["evaluate", str(run)]) == 1
    assert "at least one run folder and the dataset" in capsys.readouterr().err
    with pytest.raises(SystemExit) as exit_:
        cli.main(["evaluate", str(run), "data", "--runtime", "abacus"])
    assert exit_.value.code == 2
