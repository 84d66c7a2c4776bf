import json
import shutil

import numpy as np
import pytest
from PIL import Image

from keras_alexnet import cli
from keras_alexnet.data.records import open_split
from keras_alexnet.figures.contact_sheet import GAP, SIDE
from tests import small


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


def evaluated(arguments, *more):
    """Evaluate with one view; return the exit status."""
    words = ["evaluate", *arguments, "--views", "1", *more]
    return cli.main([str(word) for word in words])


def test_all_that_is_published_of_an_evaluation_is_in_the_json(
    run, dataset, tmp_path, capsys
):
    split = open_split(dataset, "validation", small.INPUT)
    names = split.names()
    labels = {name: [name.split("/")[-2]] for name in names[1:]}
    (tmp_path / "real.json").write_text(json.dumps({names[0]: [], **labels}))
    (tmp_path / "groups.csv").write_text("blue,cold\ngreen,cold\nred,warm\n")
    extra = ["--real", tmp_path / "real.json", "--groups", tmp_path / "groups.csv"]
    out, sheet = tmp_path / "out.json", tmp_path / "sheet.png"
    extra += ["--json", out, "--worst", sheet, "--worst-count", 2, "--pairs", 1]
    assert evaluated([run, dataset], *extra) == 0
    found, printed = json.loads(out.read_text()), capsys.readouterr().out
    confusion = np.array(found["confusion"])
    assert found["real"]["images"] == 11 and found["real"]["left_out"] == 1
    assert "Against all valid labels: top-1 error" in printed
    cold = confusion[:2, :2].sum() + confusion[2, 2]
    assert found["groups"]["top1_error"] == pytest.approx(1 - cold / 12)
    assert "Between 2 groups of classes: top-1 error" in printed
    (pair,) = found["pairs"]
    assert pair["times"] == (confusion - np.diag(np.diag(confusion))).max() > 0
    assert "most confused" in printed
    assert [each["name"] in names for each in found["worst"]] == [True, True]
    with Image.open(sheet) as image:
        assert image.width == 2 * (SIDE + GAP) + GAP
    (network,) = found["networks"]
    assert network["top5_interval"] == found["top5_interval"]
    assert network["ece"] == found["calibration"]["ece"]
    assert f"Loss {found['loss']:.4f}, expected calibration error" in printed
    kept = json.loads((run / "metrics.json").read_text().splitlines()[-1])
    assert kept["loss"] == found["loss"] and "pairs" not in kept


def test_the_networks_of_an_ensemble_are_printed_beside_it(run, dataset, capsys):
    assert evaluated([run, run, dataset], "--classes", 0, "--pairs", 0) == 0
    printed = capsys.readouterr().out
    assert "all 2" in printed and "taken for" not in printed
    assert evaluated([run, dataset], "--classes", 0, "--pairs", 0) == 0
    assert not {"network", "most confused"} & {*capsys.readouterr().out.split()}


def test_classes_are_printed_by_their_words(run, dataset, tmp_path, capsys):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["words"] = ["sea, ocean", "meadow", "blood"]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    out = tmp_path / "out.json"
    assert evaluated([run, copy], "--json", out) == 0
    printed = capsys.readouterr().out
    assert "sea" in printed and "ocean" not in printed and "blue" not in printed
    assert json.loads(out.read_text())["classes"][0]["class"] == "blue"


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--worst-count", "3"], "--worst or --json with --worst-count 3"),
        (["--worst", "sheet.docx"], "got sheet.docx"),
        (["--worst", "sheet.png", "--worst-count", "301"], "from 1 to 300, got 301"),
        (["--real", "gone.json"], "Cannot read gone.json"),
        (["--groups", "gone.csv"], "Cannot read gone.csv"),
        (["--split", "tests"], "split 'tests'"),
    ],
)
def test_what_cannot_be_done_is_said_before_any_network_is_read(
    dataset, tmp_path, capsys, monkeypatch, more, message
):
    monkeypatch.chdir(tmp_path)
    assert evaluated([tmp_path / "no_network", dataset], *more) == 1
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
