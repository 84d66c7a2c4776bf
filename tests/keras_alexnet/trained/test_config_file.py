import dataclasses
import json
from pathlib import Path

import pytest

from keras_alexnet.presets import PRESETS, SMALL_PRESETS, Preset
from keras_alexnet.trained.config_file import (
    NetworkConfig,
    config_document,
    preprocessing_of,
    read_config,
    write_config,
)
from tests import small
from tests.small import CIFAR_NETS, LENETS
from tfrecords import DatasetError

RELEASED = Path(__file__).parents[3] / "results" / "imagenette_released"
CONTROL = {"data": "/data", "keep": 3, "save_every": None, "save_minutes": 2.5}
# What releases before format 2 wrote, every field of it.
FLAT = {
    "data": "/nowhere",
    "preset": "caffenet",
    "overrides": {
        "input_size": 67,
        "units": 16,
        "lrn": {"bias": 1.5},
        "filters": [8, 16, 16, 16, 8],
        "dropout": None,
    },
    "precision": "mixed_bfloat16",
    "xla": True,
    "epochs": 3,
    "batch_size": None,
    "learning_rate": 0.02,
    "momentum": 0.8,
    "decay": 0.001,
    "schedule": "plateau",
    "patience": 2,
    "reductions": 1,
    "min_delta": 0.5,
    "flip": False,
    "crop_chunk": 4,
    "mean": "channel",
    "seed": 7,
    "keep": 5,
    "save_every": 10,
    "save_minutes": 1.5,
    "num_classes": 3,
    "stored_size": 72,
    "resize_filter": "box",
    "apply_exif": True,
}


def config(preset, **fields):
    return NetworkConfig(preset, preprocessing_of(preset, 72, "box", True), **fields)


def flat(folder, **fields):
    (folder / "config.json").write_text(json.dumps({**FLAT, **fields}))
    return folder


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("control", [None, CONTROL])
def test_what_is_written_is_read(tmp_path, name, control):
    written = config(small.preset(name, patience=2), control=control)
    write_config(tmp_path, written)
    assert read_config(tmp_path) == written
    document = json.loads((tmp_path / "config.json").read_text())
    assert document["format"] == 2 and document["preset"] == name
    assert document["network"]["filters"] == [8, 16, 16, 16, 8]
    assert document["recipe"]["patience"] == 2
    assert document["preprocessing"] == {
        "stored_size": 72,
        "resize_filter": "box",
        "apply_exif": True,
        "input_size": small.INPUT,
        "mean": "image",
    }
    assert document.get("control") == control


def test_a_preset_of_ones_own_comes_back(tmp_path):
    mine = Preset("mine", "My net.", units=8).replace(batch_size=4)
    write_config(tmp_path, config(mine))
    assert read_config(tmp_path).preset == dataclasses.replace(mine, description="")


@pytest.mark.parametrize("name", LENETS)
def test_a_lenet_comes_back(tmp_path, name):
    preset = SMALL_PRESETS[name].replace(epochs=3)
    for own in (preset, preset.replace(name="mine")):
        write_config(tmp_path, config(own))
        found = read_config(tmp_path).preset
        assert found.replace(description="") == own.replace(description="")
        assert found.recipe.mean == "none"


@pytest.mark.parametrize("name", CIFAR_NETS)
def test_a_small_net_comes_back(tmp_path, name):
    preset = SMALL_PRESETS[name]
    for own in (preset, preset.replace(name="mine", description="", input_size=24)):
        write_config(tmp_path, config(own))
        assert read_config(tmp_path).preset.replace(description="") == own.replace(
            description=""
        )


def test_every_field_of_the_flat_form_finds_its_place(tmp_path):
    found = read_config(flat(tmp_path))
    preset, recipe = found.preset, found.preset.recipe
    own = PRESETS["caffenet"]
    assert preset.name == "caffenet" and preset.weight_std == own.weight_std
    assert preset.filters == (8, 16, 16, 16, 8) and preset.units == 16
    assert preset.lrn.bias == 1.5 and preset.dropout is None
    assert recipe.batch_size == own.recipe.batch_size == 256
    expected = {k: v for k, v in FLAT.items() if k in vars(recipe)} | {
        "batch_size": 256,
        "bias_rate": own.recipe.bias_rate,
        "colour_noise": own.recipe.colour_noise,
        "deterministic": False,
        **{"init": None, "keep_rows": False, "freeze_through": None, "rates": ()},
        **{"decays": (), "drops": ()},
        "cache_features": False,
        "random_crop": True,
        "shuffle": None,
        "read_run": None,
        "class_weights": None,
    }
    assert vars(recipe) == expected
    assert found.preprocessing == {
        "stored_size": 72,
        "resize_filter": "box",
        "apply_exif": True,
        "input_size": 67,
        "mean": "channel",
    }
    kept = ("data", "keep", "save_every", "save_minutes")
    assert found.control == {name: FLAT[name] for name in kept}
    write_config(tmp_path, found)
    assert read_config(tmp_path) == found


def test_small_nets_of_earlier_releases_had_a_decay_for_each_layer(tmp_path):
    preset = SMALL_PRESETS["cifar-quick"]
    facts = preprocessing_of(preset, 32, "bicubic", False)
    document = config_document(NetworkConfig(preset, facts))
    document["recipe"] = {
        **{"decays": [0.004] * 4 + [1.5], "batch_size": 100, "learning_rate": 0.001},
        **{"momentum": 0.9, "bias_rate": 2.0, "drops": [8], "epochs": 10},
        "mean": "image",
    }
    (tmp_path / "config.json").write_text(json.dumps(document))
    recipe = read_config(tmp_path).preset.recipe
    assert recipe.layer_decays == {
        **dict.fromkeys(preset.layers[:4], 0.004),
        "fc10": 1.5,
    }
    assert (recipe.schedule, recipe.drops, recipe.epochs) == ("steps", (8,), 10)


def test_the_run_of_an_earlier_release_in_results():
    found = read_config(RELEASED)
    recipe = found.preset.recipe
    assert found.preset.name == "released"
    assert found.preset.network == PRESETS["released"].network
    assert (recipe.epochs, recipe.batch_size, recipe.patience) == (28, 64, 1)
    assert (recipe.learning_rate, recipe.precision) == (0.01, "mixed_bfloat16")
    assert found.preprocessing["apply_exif"] is None  # its dataset is gone


def test_a_run_of_before_min_delta_takes_any_better_epoch(tmp_path):
    assert read_config(RELEASED).preset.recipe.min_delta == 0.0
    values = json.loads((RELEASED / "config.json").read_text())
    values["schedule"] = "released-2012"
    del values["patience"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    recipe = read_config(tmp_path).preset.recipe
    assert (recipe.schedule, recipe.min_delta) == ("released-2012", 1.0)


def test_what_an_earlier_run_does_not_say_of_exif_its_dataset_says(tmp_path, dataset):
    told = read_config(flat(tmp_path, apply_exif=None, data=str(dataset)))
    assert told.preprocessing["apply_exif"] is False
    gone = read_config(flat(tmp_path, apply_exif=None))
    assert gone.preprocessing["apply_exif"] is None


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "Cannot read .*config.json"),
        ("[]", "Cannot read .*config.json"),
        ('{"format": 3}', "expected format 2, found 3"),
        ('{"format": 2}', "Cannot read .*no 'preset'"),
        ('{"preset": "released"}', "Cannot read .*no 'data'"),
        ('{"data": "d", "colour": 1}', "Unknown preset field colour"),
        ('{"data": "d", "preset": "googlenet"}', "Unknown preset 'googlenet'"),
        ('{"data": "d", "epochs": 0}', "epochs >= 1, got 0"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, document, message):
    (tmp_path / "config.json").write_text(document)
    with pytest.raises(DatasetError, match=message):
        read_config(tmp_path)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(DatasetError, match="no config.json"):
        read_config(tmp_path)


def test_what_weights_of_others_need_is_kept_and_nothing_else_is_said(tmp_path):
    plain = config(small.preset("caffenet"))
    others = {"resize": "warp", "mean_at": "view"}
    written = dataclasses.replace(plain, preprocessing=plain.preprocessing | others)
    write_config(tmp_path, written)
    assert read_config(tmp_path) == written
    write_config(tmp_path, plain)
    assert not {*read_config(tmp_path).preprocessing} & {*others}
