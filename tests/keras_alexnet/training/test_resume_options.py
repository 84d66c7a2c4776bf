"""What was typed beside --resume counts, also where it is a default."""

import json
import shutil

import pytest

from keras_alexnet import cli
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import create_run
from keras_alexnet.training import fit
from tests import small

DIFFERENT = {  # from every default
    "precision": "mixed_bfloat16",
    "seed": 7,
    "flip": False,
    "mean": "channel",
    "crop_chunk": 4,
    "xla": True,
    "patience": 1,
    "reductions": 1,
    "keep": 5,
    "epochs": 3,
    "save_every": 2,
    "overrides": {
        "lrn": False,
        "dropout": None,
        "colour_noise": "eigenvalue",
        "activation": "tanh",
        "pooling": "non_overlapping",
    },
}


@pytest.fixture(scope="module")
def made(dataset, tmp_path_factory):
    """Make a run folder of a configuration, without a checkpoint."""

    def make(**fields):
        run = tmp_path_factory.mktemp("run")
        create_run(run, small.config(dataset, **fields))
        return run

    return make


@pytest.fixture
def resume(dataset, monkeypatch):
    """Return what `alexnet train --resume` would train, without training it."""

    def call(run, *typed):
        seen = []

        def train(config, *_, **__):
            seen.append(config)
            return fit.TrainState(run, config, 1, None, None, None)

        monkeypatch.setattr(fit, "train", train)
        status = cli.main(["train", str(dataset), str(run), "--resume", *typed])
        return seen[0] if status == 0 else None

    return call


@pytest.fixture(scope="module")
def different(made):
    return made(**DIFFERENT)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        (["--precision", "float32"], "precision"),
        (["--precision=float32"], "precision"),
        (["--flip"], "flip"),
        (["--no-xla"], "xla"),
        (["--lrn"], "lrn"),
        (["--seed", "0"], "seed"),
        (["--mean", "image"], "mean"),
        (["--crop-chunk", "1"], "crop_chunk"),
        (["--crop_chunk", "1"], "crop_chunk"),
        (["--batch-size", "128"], "batch_size"),
        (["--batch-size", "None"], "batch_size"),
        (["--learning_rate=0.01"], "learning_rate"),
        (["--input-size", "None"], "input_size"),
        (["--dropout", "preset"], "dropout"),
        (["--colour-noise", "preset"], "colour_noise"),
        (["--colour-noise", "none"], "colour_noise"),
        (["--activation", "preset"], "activation"),
        (["--pooling", "overlapping"], "pooling"),
        (["--schedule", "released-2010"], "schedule"),
        (["--preset", "caffenet"], "preset"),
    ],
)
def test_what_may_not_change_is_refused_by_name(different, resume, capsys, typed, name):
    before = (different / "config.json").read_bytes()
    assert resume(different, *typed) is None
    error = capsys.readouterr().err
    assert f"Cannot change {name} of a run" in error
    assert f"--{name.replace('_', '-')}" in error and error.count("\n") == 1
    assert (different / "config.json").read_bytes() == before


@pytest.mark.parametrize(
    ("typed", "fields"),
    [
        (["--patience", "5"], {"patience": 5}),
        (["--patience=5", "--reductions", "3"], {"patience": 5, "reductions": 3}),
        (["--keep", "2"], {"keep": 2}),
        (["--epochs", "None"], {"epochs": None}),
        (["--save_every", "None"], {"save_every": None}),
        (["--save-minutes", "9"], {"save_minutes": 9.0}),
    ],
)
def test_what_may_change_takes_effect(different, resume, typed, fields):
    saved = TrainConfig.load(different)
    config = resume(different, *typed)
    changed = {
        name for name in vars(saved) if getattr(saved, name) != getattr(config, name)
    }
    assert changed == {*fields}
    assert {name: getattr(config, name) for name in fields} == fields


@pytest.mark.parametrize(
    "typed",
    [
        ["--precision", "mixed_bfloat16", "--seed", "7", "--no-flip", "--xla"],
        ["--preset", "released", "--schedule", "plateau", "--mean=channel"],
        ["--batch_size", "8", "--learning-rate", "1e-3", "--input-size", "67"],
        ["--no-lrn", "--dropout", "none", "--colour-noise", "eigenvalue"],
        ["--activation", "tanh", "--pooling", "non_overlapping"],
        [],
    ],
)
def test_what_the_run_has_may_be_typed(different, resume, typed):
    assert resume(different, *typed) == TrainConfig.load(different)


def test_the_presets_own_value_is_the_same_typed_or_left_out(made, resume):
    run = made(batch_size=None, learning_rate=None)
    typed = ["--batch-size", "128", "--learning-rate", "0.01", "--dropout", "original"]
    assert resume(run, *typed, "--lrn") == TrainConfig.load(run)


def test_a_preset_left_out_is_that_of_the_run(made, resume):
    run = made(preset="caffenet", batch_size=None, learning_rate=None)
    typed = ["--batch-size", "None", "--dropout", "preset", "--learning-rate", "None"]
    assert resume(run, *typed) == TrainConfig.load(run)


@pytest.mark.parametrize("name", ["patience", "reductions"])
def test_what_a_schedule_ignores_is_refused_new_or_resumed(
    made, resume, dataset, tmp_path, capsys, name
):
    default = str(TrainConfig.__dataclass_fields__[name].default)
    run = made(schedule="released-2012", epochs=None)
    assert resume(run, f"--{name}", default) is None
    assert f"Expected no {name} with schedule" in capsys.readouterr().err
    new = ["train", str(dataset), str(tmp_path / "new"), "--schedule", "released-2010"]
    assert cli.main([*new, f"--{name}={default}"]) == 1
    assert f"Expected no {name} with schedule" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_run_of_an_earlier_release_goes_on_as_it_was(run, dataset, tmp_path, capsys):
    old = shutil.copytree(run, tmp_path / "old")
    document = json.loads((old / "config.json").read_text())
    del document["apply_exif"]
    (old / "config.json").write_text(json.dumps({**document, "data": "/moved"}))
    assert TrainConfig.load(old).apply_exif is None
    assert cli.main(["train", str(dataset), str(old), "--resume"]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    config = TrainConfig.load(old)
    assert config.apply_exif is False and config.data == str(dataset)
