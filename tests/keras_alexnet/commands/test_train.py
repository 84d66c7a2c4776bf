"""What was typed beside --resume counts, also where it is a default."""

import dataclasses
import shutil

import pytest

from keras_alexnet import cli
from keras_alexnet.commands import train
from keras_alexnet.commands.train import settings
from keras_alexnet.presets import PRESETS, Preset, Recipe
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.training import fit
from keras_alexnet.training.control import Control
from keras_alexnet.training.state.progress import RunProgress
from tests import small

DIFFERENT = {  # from every default
    "precision": "mixed_bfloat16",
    "seed": 7,
    "flip": False,
    "mean": "channel",
    "crop_chunk": 4,
    "xla": True,
    "deterministic": True,
    "patience": 1,
    "reductions": 1,
    "keep": 5,
    "epochs": 3,
    "save_every": 2,
    "lrn": False,
    "dropout": None,
    "colour_noise": "eigenvalue",
    "activation": "tanh",
    "pooling": "non_overlapping",
}


@pytest.fixture(scope="module")
def made(dataset, tmp_path_factory):
    """Make a run folder of a preset and a control, without a checkpoint."""

    def make(**fields):
        return small.make_run(dataset, tmp_path_factory.mktemp("run"), **fields)

    return make


@pytest.fixture
def resume(dataset, monkeypatch):
    """Return what `alexnet train --resume` would train, without training it."""

    def call(run, *typed):
        seen = []

        def train(preset, control, *_, **__):
            seen.append((preset, control.kept))
            return RunProgress(1, 1)

        monkeypatch.setattr(fit, "train", train)
        status = cli.main(["train", str(dataset), str(run), "--resume", *typed])
        return seen[0] if status == 0 else None

    return call


def saved(run):
    config = read_config(run)
    return config.preset, config.control


def values(preset, control):
    """Return every setting by name."""
    return {**preset.network, **vars(preset.recipe), **control}


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
        (["--class-weights", "balanced"], "class_weights"),
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
    before, after = values(*saved(different)), values(*resume(different, *typed))
    assert {name for name in before if before[name] != after[name]} == {*fields}
    assert {name: after[name] for name in fields} == fields


@pytest.mark.parametrize(
    "typed",
    [
        ["--precision", "mixed_bfloat16", "--seed", "7", "--no-flip", "--xla"],
        ["--preset", "released", "--schedule", "plateau", "--mean=channel"],
        ["--batch_size", "8", "--learning-rate", "1e-3", "--input-size", "67"],
        ["--no-lrn", "--dropout", "none", "--colour-noise", "eigenvalue"],
        ["--class-weights", "none"],
        ["--activation", "tanh", "--pooling", "non_overlapping"],
        [],
    ],
)
def test_what_the_run_has_may_be_typed(different, resume, typed):
    assert resume(different, *typed) == saved(different)


def test_the_presets_own_value_is_the_same_typed_or_left_out(made, resume):
    run = made(batch_size=128, learning_rate=0.01)
    typed = ["--batch-size", "128", "--learning-rate", "0.01", "--dropout", "original"]
    assert resume(run, *typed, "--lrn") == saved(run)


def test_a_preset_left_out_is_that_of_the_run(made, resume):
    run = made(preset="caffenet", batch_size=256, learning_rate=0.01)
    typed = ["--batch-size", "None", "--dropout", "preset", "--learning-rate", "None"]
    assert resume(run, *typed) == saved(run)


@pytest.mark.parametrize("name", ["patience", "reductions", "min_delta"])
def test_what_a_schedule_ignores_is_refused_new_or_resumed(
    made, resume, dataset, tmp_path, capsys, name
):
    default = str(getattr(Recipe(), name))
    run = made(schedule="released-2012", epochs=None)
    assert resume(run, f"--{name}", default) is None
    assert f"Expected no {name} with schedule" in capsys.readouterr().err
    new = ["train", str(dataset), str(tmp_path / "new"), "--schedule", "released-2010"]
    assert cli.main([*new, f"--{name}={default}"]) == 1
    assert f"Expected no {name} with schedule" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_run_of_an_earlier_release_goes_on_as_it_was(run, dataset, tmp_path, capsys):
    old = shutil.copytree(run, tmp_path / "old")
    unknown = {"apply_exif": None}
    small.change_config(old, preprocessing=unknown, control={"data": "/moved"})
    assert cli.main(["train", str(dataset), str(old), "--resume"]) == 0
    assert "Nothing to do" in capsys.readouterr().out
    config = read_config(old)
    assert config.preprocessing["apply_exif"] is False
    assert config.control["data"] == str(dataset)


def test_what_is_typed_becomes_preset_recipe_and_control(tmp_path):
    places = [str(tmp_path / "data"), str(tmp_path / "run")]
    typed = [
        "--no-lrn",
        "--dropout",
        "none",
        "--activation=tanh",
        "--input-size",
        "227",
    ]
    typed += [
        "--momentum",
        "0.8",
        "--decay=0",
        "--bias-rate",
        "1",
        "--no-flip",
        "--xla",
    ]
    typed += ["--keep", "4", "--save-minutes", "2", "--strategy", "towers"]
    preset, control = settings([*places, *typed])
    assert preset.lrn is None and preset.dropout is None
    assert (preset.activation, preset.input_size) == ("tanh", 227)
    recipe = preset.recipe
    assert (recipe.momentum, recipe.decay, recipe.bias_rate) == (0.8, 0.0, 1.0)
    assert (recipe.flip, recipe.xla, recipe.batch_size) == (False, True, 128)
    assert (control.keep, control.save_minutes, control.strategy) == (4, 2.0, "towers")
    assert [str(control.data), str(control.run)] == places
    assert not control.resume


@pytest.mark.parametrize(
    ("typed", "xla"), [(["--xla"], True), (["--no-xla"], False), ([], None)]
)
def test_xla_is_on_off_or_left_to_the_device(typed, xla):
    assert settings(["data", "run", *typed])[0].recipe.xla is xla


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_not_typed_is_the_presets_own(name):
    preset, control = settings(["data", "run", "--preset", name])
    assert preset == PRESETS[name].replace(precision="auto")
    assert control == Control("data", "run")
    none = ["--batch-size", "None", "--dropout", "preset", "--colour-noise", "preset"]
    assert settings(["data", "run", "--preset", name, *none])[0] == preset


def test_every_field_of_recipe_and_control_is_an_option_with_its_text(capsys):
    with pytest.raises(SystemExit):
        settings(["--help"])
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    names = {
        field.name for kind in (Recipe, Control) for field in dataclasses.fields(kind)
    }
    for name in names - {"data", "run"}:
        assert f"--{name.replace('_', '-')}" in shown
    assert "Images in a step" in shown and "Checkpoints kept." in shown
    assert "New folder for the run." in shown
    assert "--class-weights {preset,balanced,none}" in shown
    assert "pictures / (classes * pictures of its class)" in shown


def test_a_text_stands_once_and_the_command_has_none_of_its_own():
    """Whoever adds a field without a text adds no option."""
    for kind in (Recipe, Control):
        assert {*train._texts(kind)} == {
            field.name for field in dataclasses.fields(kind)
        }
    offered = {"input_size", "activation", "pooling", "lrn", "dropout"}
    assert {*train._texts(Preset)} == offered


@pytest.mark.parametrize("preset", ["lenet5", "released"])
def test_a_mean_of_none_is_a_word_and_colour_noise_of_none_is_nothing(preset):
    typed = ["--mean", "none", "--colour-noise", "none"]
    recipe = settings(["data", "run", "--preset", preset, *typed])[0].recipe
    assert (recipe.mean, recipe.colour_noise) == ("none", None)


def test_an_unknown_preset_is_refused(dataset, tmp_path, capsys):
    arguments = ["train", str(dataset), str(tmp_path / "run"), "--preset", "googlenet"]
    assert cli.main(arguments) == 1
    assert "Unknown preset 'googlenet'" in capsys.readouterr().err
    assert cli.main([*arguments[:-1], "cifar-18pct"]) == 1
    said = capsys.readouterr().err
    assert "about 32 pixels for cifar-18pct, got 72" in said and "--size 32" in said
    assert said.count("\n") == 1


def test_what_begins_with_weights_is_their_network(made):
    folder = str(made(preset="caffenet", mean="channel", units=24, epochs=9))
    preset, _ = settings(["data", "run", "--init", folder, "--rate", "fc8=10"])
    assert preset.name == "caffenet" and preset.units == 24
    recipe = preset.recipe
    assert (recipe.init, recipe.mean, recipe.rates) == (folder, "channel", ("fc8=10",))
    assert recipe.epochs is None and recipe.batch_size == 256  # not those of the run
    with pytest.raises(ValueError, match="--preset caffenet.*got paper"):
        settings(["data", "run", "--init", folder, "--preset", "paper"])
