import pytest

from keras_alexnet import cli, load
from tests import small


def test_a_run_is_exported_and_where_to_is_said(run, tmp_path, capsys):
    out = tmp_path / "model"
    arguments = ["export", str(run), str(out), "--to", "saved_model", "--top", "2"]
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out == f"SavedModel: {out / '1'}\n"
    assert load(out).labels == [*small.CLASSES]


def test_an_unknown_format_is_refused(run, tmp_path, capsys):
    with pytest.raises(SystemExit) as exit_:
        cli.main(["export", str(run), str(tmp_path / "out"), "--to", "clay"])
    assert exit_.value.code == 2 and "saved_model" in capsys.readouterr().err


def test_what_is_no_network_is_named(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert cli.main(["export", str(tmp_path / "empty"), str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert "neither config.json nor saved_model.pb" in error
    assert not (tmp_path / "out").exists()


def test_a_file_of_weights_has_no_views(run, tmp_path, capsys):
    out = tmp_path / "net"
    arguments = ["export", str(run), str(out), "--to", "safetensors"]
    assert cli.main([*arguments, "--views", "10"]) == 1
    assert "Expected --views and --top for a SavedModel" in capsys.readouterr().err
    assert not out.exists()
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out == f"safetensors: {out}\n"
    assert load(out).labels == [*small.CLASSES]
