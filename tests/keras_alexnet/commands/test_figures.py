import subprocess
import sys

import pytest
from PIL import Image

from keras_alexnet import cli
from keras_alexnet.figures import FIGURES, SUBJECTS


def figures(*arguments):
    return cli.main(["figures", *map(str, arguments)])


def test_curves_are_drawn(run, tmp_path, capsys):
    picture = tmp_path / "curves.png"
    assert figures("curves", run, "--out", picture) == 0
    assert capsys.readouterr().out == f"Curves: {picture}\n"
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert len(image.convert("RGB").getcolors(1_000_000)) > 10
    assert figures("curves", tmp_path, "--out", picture) == 1
    assert "no epoch has finished" in capsys.readouterr().err


def test_options_of_a_kind_are_arguments_of_its_function(dataset, tmp_path, capsys):
    out, widths = tmp_path / "out.png", []
    for count in (1, 2):
        arguments = ("--out", out, "--count", count, "--split", "validation")
        assert figures("samples", dataset, *arguments) == 0
        with Image.open(out) as image:
            widths.append(image.width)
    assert widths[1] - widths[0] == 72 + 4  # a picture and the gap before it
    assert figures("samples", dataset, "--out", out, "--count", "0") == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("alexnet figures: Expected count")


def test_a_kind_has_its_own_options_and_no_others(run, tmp_path, capsys):
    shown = {}
    for kind in FIGURES:
        with pytest.raises(SystemExit) as ended:
            figures(kind, "--help")
        assert ended.value.code == 0
        shown[kind] = capsys.readouterr().out
        assert f"usage: alexnet figures {kind} " in shown[kind]
    assert "--square" in shown["occlusion"] and "--square" not in shown["grad_cam"]
    assert "Kernels are" not in shown["curves"] and "Bin" not in shown["kernels"]
    with pytest.raises(SystemExit) as ended:
        figures("curves", run, "--out", tmp_path / "out.png", "--square", "3")
    assert ended.value.code == 2 and "--square" in capsys.readouterr().err
    assert not (tmp_path / "out.png").exists()


def test_help_needs_no_tensorflow():
    code = (
        "import sys; from keras_alexnet import figures\n"
        "for kind in figures.FIGURES: figures.FIGURES[kind]\n"
        "print('tensorflow' in sys.modules or 'keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "False\n"), done.stderr


@pytest.mark.parametrize(("arguments", "status"), [([], 2), (["--help"], 0)])
def test_without_a_kind_all_are_listed(arguments, status, capsys):
    assert figures(*arguments) == status
    said = capsys.readouterr()
    listed, other = (said.out, said.err) if status == 0 else (said.err, said.out)
    lines = listed.splitlines()
    for kind, (given, shows) in SUBJECTS.items():
        (line,) = [line for line in lines if line.startswith(f"  {kind} ")]
        assert given in line and line.endswith(shows)
    assert other == ""


def test_an_unknown_kind_is_answered_with_those_there_are(tmp_path, capsys):
    assert figures("circles", "run", "--out", tmp_path / "out.png") == 1
    said = capsys.readouterr().err
    assert "Unknown figure 'circles'. Expected one of: curves, samples" in said
