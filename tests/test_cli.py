import json
import os
import subprocess
import sys

import pytest
import tensorflow as tf

from keras_alexnet import cli
from tests import small
from tfrecords.errors import UserError


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_every_verb_explains_its_options(capsys):
    for verb in cli.VERBS:
        kinds = {"benchmark": ["step"], "figures": ["curves"]}
        arguments = [verb, *kinds.get(verb, []), "--help"]
        with pytest.raises(SystemExit) as exit_:
            cli.main(arguments)
        assert exit_.value.code == 0
        assert "usage: alexnet" in capsys.readouterr().out


def test_no_verb_and_wrong_verbs_show_the_verbs(capsys):
    assert cli.main([]) == 2
    assert cli.main(["trian"]) == 2
    assert "unknown verb 'trian'" in capsys.readouterr().err
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in cli.VERBS)


@pytest.mark.parametrize(
    ("typed", "meant"), [("evalute", "evaluate"), ("Train", "train"), ("bild", "build")]
)
def test_an_unknown_verb_is_answered_with_the_nearest(typed, meant, capsys):
    assert cli.main([typed]) == 2
    assert f"did you mean {meant}?" in capsys.readouterr().err
    assert cli.main(["[/b]"]) == 2
    assert "did you mean" not in capsys.readouterr().err


class Mendable(UserError):
    """As `tfrecords.processes.ProcessDied`."""


class Unmendable(ValueError):
    """As a library may raise."""


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (Mendable("Lower  it\nin [/b] \udcff."), r"Lower  it\nin [/b] \xff."),
        (UserError("mend it"), "mend it\n"),
        (ValueError("two\n  lines"), "ValueError: two lines. This is a fault of ours"),
        (Unmendable("not ours"), "Unmendable: not ours. This is a fault of ours or "),
        (PermissionError(13, "Permission denied", "/x/[y]"), "/x/[y]: Permission deni"),
        (KeyError("x"), "KeyError: 'x'"),
        (UnicodeDecodeError("utf-8", b"", 0, 1, "why"), "UnicodeDecodeError: "),
        (tf.errors.DataLossError(None, None, "crc"), "A record of the dataset is dam"),
        (
            tf.errors.ResourceExhaustedError(
                None, None, "OOM when allocating tensor on /device:GPU:0 by GPU_0_bfc"
            ),
            "The memory of GPU:0 does not suffice. Take a smaller --batch-size, or",
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_errors_are_told_by_what_they_are(error, line, tmp_path, monkeypatch, capsys):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr("keras_alexnet.commands.verify.main", fail)
    assert cli.main(["verify", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"alexnet verify: {line}") and told.count("\n") == 1


def test_a_backend_for_figures_is_kept_from_keras_and_given_back(monkeypatch, tmp_path):
    seen = []
    monkeypatch.setenv("MPLBACKEND", "nowhere")
    monkeypatch.setattr(
        "keras_alexnet.commands.verify.main",
        lambda _: seen.append("MPLBACKEND" in os.environ),
    )
    cli.main(["verify", str(tmp_path)])
    assert seen == [False] and os.environ["MPLBACKEND"] == "nowhere"


def test_build_and_verify_a_folder(tmp_path, capsys):
    tree = small.write_tree(tmp_path / "tree", 8)
    out = tmp_path / "data"
    options = ["--size", "40", "--shards", "1", "--name", "small", "--processes", "1"]
    assert cli.main(["build", str(tree), str(out), *options]) == 0
    assert f"Dataset folder: {out}" in capsys.readouterr().out
    report = tmp_path / "report.json"
    verify = ["verify", str(out), "--processes", "1"]
    assert cli.main([*verify, "--json", str(report)]) == 0
    assert json.loads(report.read_text())["ok"] is True
    shard = next(out.glob("*train*"))
    content = bytearray(shard.read_bytes())
    content[len(content) // 2] ^= 1
    shard.write_bytes(content)
    assert cli.main(verify) == 1
    assert shard.name in capsys.readouterr().err


def test_errors_are_one_line_and_status_one(run, tmp_path, capsys):
    assert cli.main(["evaluate", str(run), str(tmp_path / "nowhere")]) == 1
    error = capsys.readouterr().err.strip()
    assert error.count("\n") == 0
    assert error.startswith("alexnet evaluate: Expected a dataset folder")


def test_debug_shows_the_traceback(run, tmp_path):
    with pytest.raises(ValueError, match="dataset folder"):
        cli.main(["evaluate", str(run), str(tmp_path / "nowhere"), "--debug"])


def test_resume_takes_the_runs_own_options_and_refuses_others(run, dataset, capsys):
    assert cli.main(["train", str(dataset), str(run), "--resume"]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    arguments = ["train", str(dataset), str(run), "--resume", "--batch-size", "16"]
    assert cli.main(arguments) == 1
    assert "batch_size of a run" in capsys.readouterr().err


def test_train_runs_from_the_command_line(dataset, tmp_path):
    arguments = ["train", str(dataset), str(tmp_path / "run"), "--epochs", "1"]
    options = ["--batch-size", "12", "--input-size", "67", "--learning-rate", "0.0001"]
    done = subprocess.run(
        [sys.executable, "-m", "keras_alexnet", *arguments, *options],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Best validation error" in done.stdout
    assert "epoch 1/1" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["build", "ADDRESS", "out"],
        ["build", "tfds:ADDRESS", "out"],
        ["build", "pictures", "ADDRESS"],
        ["build", "pictures", "out", "--exclude", "ADDRESS"],
        ["verify", "ADDRESS"],
        ["verify", "data", "--json=ADDRESS"],
        ["statistics", "ADDRESS"],
        ["train", "data", "ADDRESS", "--resume"],
        ["train", "data", "run", "--init=ADDRESS"],
        ["evaluate", "run", "data", "--json", "ADDRESS"],
        ["predict", "run", "one.jpg", "ADDRESS"],
        ["features", "run", "ADDRESS", "--out", "out.npz"],
        ["features", "run", "one.jpg", "--out=ADDRESS"],
        ["neighbours", "run", "ADDRESS", "one.jpg"],
        ["describe", "ADDRESS"],
        ["export", "ADDRESS", "out"],
        ["figures", "curves", "ADDRESS"],
        ["benchmark", "input", "ADDRESS"],
    ],
)
@pytest.mark.parametrize("scheme", ["gs", "S3", "https", "abfss"])
def test_addresses_are_shown_as_typed(tmp_path, monkeypatch, capsys, arguments, scheme):
    monkeypatch.chdir(tmp_path)
    address = f"{scheme}://bucket/data"
    assert cli.main([x.replace("ADDRESS", address) for x in arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"alexnet {arguments[0]}: Expected a path")
    assert f"{address}. " in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [["train", "ADDRESS", "run"], ["evaluate", "RUN"]])
@pytest.mark.parametrize("scheme", ["S3", "https", "abfss"])
def test_addresses_that_cannot_be_read_are_shown_as_typed(
    run, tmp_path, monkeypatch, capsys, command, scheme
):
    monkeypatch.chdir(tmp_path)
    address = f"{scheme}://bucket/data"
    names = {"ADDRESS": address, "RUN": str(run)}
    words = [names.get(word, word) for word in command]
    words += [address] * (words[0] == "evaluate")
    assert cli.main(words) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"alexnet {command[0]}: Expected a path")
    assert f"got {address}. " in error and error.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_file_address_is_answered_with_its_path(tmp_path, capsys):
    for address in ("file:///data/a%20b", "FILE://localhost/data/a%20b"):
        assert cli.main(["verify", address]) == 1
        error = capsys.readouterr().err
        assert f"got {address}. Give /data/a b." in error


def test_options_with_an_address_inside_are_no_paths(tmp_path, capsys):
    options = [
        "--runner",
        "DirectRunner",
        "--beam-options",
        "temp_location=gs://bucket/x",
    ]
    assert cli.main(["build", str(tmp_path / "no"), str(tmp_path), *options]) == 1
    assert "does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("validation", [True, False])
def test_a_test_split_is_mentioned(tmp_path, capsys, validation):
    tree = small.write_tree(tmp_path / "tree", 8)
    data, run = tmp_path / "data", tmp_path / "run"
    options = ["--size", str(small.STORED), "--shards", "1", "--processes", "1"]
    fractions = ["--test-fraction", "0.25"]
    fractions += ["--validation-fraction", "0.25" if validation else "0"]
    assert cli.main(["build", str(tree), str(data), *options, *fractions]) == 0
    out = capsys.readouterr().out
    assert (f"alexnet evaluate RUN {data} --split test" in out) == validation
    small.train(data, run, epochs=1)
    capsys.readouterr()
    assert cli.main(["train", str(data), str(run), "--resume"]) == 0
    out = capsys.readouterr().out
    if validation:
        command = out.rpartition("alexnet ")[2].split()
        assert command == ["evaluate", str(run), str(data), "--split", "test"]
        assert cli.main([*command, "--views", "1"]) == 0
        assert "6 pictures" in capsys.readouterr().out
    else:
        assert "errors of the test split" in out


def test_no_test_split_is_not_mentioned(run, dataset, capsys):
    assert cli.main(["train", str(dataset), str(run), "--resume"]) == 0
    assert "test" not in capsys.readouterr().out.replace(str(run), "")
