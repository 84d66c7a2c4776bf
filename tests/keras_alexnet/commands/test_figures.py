import pytest
from PIL import Image

from keras_alexnet import cli


def test_curves_are_drawn(run, tmp_path, capsys):
    picture = tmp_path / "curves.png"
    assert cli.main(["figures", "curves", str(run), "--out", str(picture)]) == 0
    with Image.open(picture) as image:
        assert image.format == "PNG"
        assert len(image.convert("RGB").getcolors(1_000_000)) > 10
    arguments = ["figures", "curves", str(tmp_path), "--out", str(picture)]
    assert cli.main(arguments) == 1
    assert "no epoch has finished" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["circles", "run"]])
def test_a_kind_of_figure_is_needed(arguments, capsys):
    assert cli.main(["figures", *arguments]) == 1
    said = "Expected `alexnet figures curves RUN... --out FILE`."
    assert said in capsys.readouterr().err
