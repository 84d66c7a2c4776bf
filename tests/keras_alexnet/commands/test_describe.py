import json

import pytest

from keras_alexnet import cli
from keras_alexnet.commands.describe import find_network
from keras_alexnet.presets import PRESETS, SMALL_PRESETS
from keras_alexnet.trained.config_file import read_config
from tfrecords.errors import UserError


def test_a_preset_is_shown_as_a_table_with_its_recipe(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "200")
    out = tmp_path / "out.json"
    assert cli.main(["describe", "one_weird_trick", "--json", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    (row,) = [line for line in lines if " conv5_pre " in line]
    cells = [cell.strip() for cell in row.strip("│").split("│")]
    assert cells == [
        *("conv5_pre", "13 x 13 x 256", "590,080", "163", "16", "99,680,256"),
        *("173.1", "features.10"),
    ]
    assert any("momentum 0.9" in line for line in lines)
    found = json.loads(out.read_text())
    assert found["preset"] == "one_weird_trick" and found["num_classes"] == 1000
    assert [x["name"] for x in found["layers"]][-1] == "probabilities"


def test_runs_and_exports_are_described_by_their_folder(run, exported, exported_ten):
    preset = read_config(run).preset
    for folder in (run, exported, exported.parent):
        assert find_network(str(folder)) == (preset, 3)
    assert find_network("paper") == (PRESETS["paper"], 1000)
    assert find_network("cifar-quick") == (SMALL_PRESETS["cifar-quick"], 10)


def test_a_small_net_is_shown_with_its_recipe(capsys):
    assert cli.main(["describe", "cifar-18pct"]) == 0
    said = capsys.readouterr().out
    assert "89,578 parameters, 12,298,240 multiply-adds" in said
    assert "inference: by estimate" in said and "training: by estimate" in said
    assert "fc10=1" in said


def test_the_codes_of_1998_are_not_counted_and_it_says_so(capsys):
    assert cli.main(["describe", "lenet5-1998"]) == 0
    said = capsys.readouterr().out
    assert "60,000 parameters, 327,256 multiply-adds" in said
    assert "840 fixed codes not counted" in said and " s2 " in said


def test_what_is_neither_preset_nor_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"preset \(paper, released.*got .*missing"):
        find_network(str(tmp_path / "missing"))
