import csv
import dataclasses
import json
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import load_best, load_labels
from keras_alexnet.training.compile import compile_model
from keras_alexnet.training.fit import train
from keras_alexnet.training.run_dataset import validation_split
from keras_alexnet.training.state.checkpoint import (
    list_checkpoints,
    newest_checkpoint,
    save_checkpoint,
)
from tests import small
from tests.reference import rounding_bound
from tfrecords import DatasetError

BFLOAT16 = pytest.param("mixed_bfloat16", marks=pytest.mark.bfloat16)
NEAR = rounding_bound("float32")  # of a learning rate, which is float32


def history(run):
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_what_the_architecture_promises(run):
    names = {path.name for path in run.iterdir()}
    assert names >= {
        "config.json",
        "history.csv",
        "checkpoints",
        "best.keras",
        "tensorboard",
        "labels.txt",
        "statistics.npz",
    }
    assert [path.name for path in list_checkpoints(run / "checkpoints")] == [
        "epoch-0001.npz",
        "epoch-0002.npz",
    ]
    rows = history(run)
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert set(rows[0]) >= {"loss", "error", "top5_error", "val_error", "learning_rate"}
    assert list((run / "tensorboard").iterdir())
    assert load_labels(run) == list(small.CLASSES)


def test_config_round_trip(run):
    config = TrainConfig.load(run)
    assert config.num_classes == 3 and config.stored_size == small.STORED
    assert TrainConfig(**json.loads((run / "config.json").read_text())) == config
    assert config.resolve().filters == small.NETWORK["filters"]
    assert config.overrides == small.config("data").overrides


def test_a_run_of_before_min_delta_takes_any_better_epoch(tmp_path):
    released = Path(__file__).parents[3] / "results" / "imagenette_released"
    assert TrainConfig.load(released).min_delta == 0.0
    values = json.loads((released / "config.json").read_text())
    values["schedule"] = "released-2012"
    del values["patience"]
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert TrainConfig.load(tmp_path).schedule == "released-2012"


@pytest.mark.bfloat16
def test_best_network_is_float32_and_has_the_best_epochs_error(tmp_path, dataset):
    config = small.config(dataset, precision="mixed_bfloat16", epochs=1)
    state = train(config, tmp_path / "run")
    model = load_best(tmp_path / "run")
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    assert len(state.history) == 1


def test_a_run_that_goes_on_equals_one_in_one_piece(run, tmp_path, dataset):
    part = tmp_path / "part"
    train(small.config(dataset, epochs=1), part)
    train(dataclasses.replace(TrainConfig.load(part), epochs=2), part, resume=True)
    ours, others = (newest_checkpoint(r / "checkpoints").arrays for r in (part, run))
    assert set(ours) == set(others)
    for name, expected in others.items():
        np.testing.assert_array_equal(ours[name], expected, err_msg=name)
    timeless = [
        [{k: v for k, v in row.items() if k != "seconds"} for row in history(r)]
        for r in (run, part)
    ]
    assert timeless[0] == timeless[1]


def test_resuming_a_finished_run_changes_nothing(run, dataset, capsys):
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}
    train(TrainConfig.load(run), run, resume=True)
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()} == before
    assert "Nothing to do" in capsys.readouterr().out


def test_the_small_network_learns_the_colours(tmp_path, dataset):
    config = small.config(dataset, epochs=12, overrides={"colour_noise": None})
    state = train(config, tmp_path / "run")
    assert min(row["val_error"] for row in state.history) < 0.34


def test_training_ends_after_the_last_plateau(tmp_path, dataset):
    # A rate of almost nothing: no epoch is better than the first.
    config = small.config(
        dataset, epochs=20, learning_rate=1e-12, patience=1, reductions=2
    )
    state = train(config, tmp_path / "run")
    assert len(state.history) == 4
    rates = [row["learning_rate"] for row in state.history]
    np.testing.assert_allclose(rates, [1e-12, 1e-12, 1e-13, 1e-14], rtol=NEAR)
    assert state.plateau.finished


def test_loss_that_is_not_a_number_keeps_the_last_checkpoint(tmp_path, dataset):
    run = tmp_path / "run"
    config = small.config(dataset, epochs=1)
    train(config, run)
    config = dataclasses.replace(TrainConfig.load(run), epochs=3, save_every=1)
    saved = newest_checkpoint(run / "checkpoints")
    rate = np.float32(1e30)
    saved.state["plateau"]["learning_rate"] = float(rate)
    arrays = {**saved.arrays, "optimizer/learning_rate": rate}
    wild = dataclasses.replace(saved, arrays=arrays)
    path = save_checkpoint(run / "checkpoints", wild, keep=1)
    best = (run / "best.keras").read_bytes()
    with pytest.raises(DatasetError, match=r"The loss became (nan|inf).*1e\+30"):
        train(config, run, resume=True)
    names = [saved.name for saved in list_checkpoints(run / "checkpoints")]
    assert names[0] == path.name
    assert all(np.isfinite(array).all() for array in _newest_weights(run))
    assert (run / "best.keras").read_bytes() == best


def _newest_weights(run):
    arrays = newest_checkpoint(run / "checkpoints").arrays
    return [array for name, array in arrays.items() if name.startswith("model/")]


def test_a_folder_in_use_is_refused(run, dataset):
    with pytest.raises(DatasetError, match="new or empty run folder.*--resume"):
        train(small.config(dataset), run)


def test_a_run_folder_that_cannot_be_made_is_named(tmp_path, dataset):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DatasetError, match="Cannot write"):
        train(small.config(dataset), tmp_path / "file" / "run")


def test_missing_statistics_leave_no_run_behind(tmp_path, dataset):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / "statistics.npz").unlink()
    with pytest.raises(DatasetError, match="statistics.npz"):
        train(small.config(copy), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_dataset_without_validation_is_refused(tmp_path, dataset):
    copy = shutil.copytree(dataset, tmp_path / "copy")
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text())
    del manifest["splits"]["validation"]
    path.write_text(json.dumps(manifest))
    with pytest.raises(DatasetError, match="validation or test split"):
        validation_split(copy)


@pytest.mark.parametrize("precision", ["float32", BFLOAT16, "mixed_float16"])
def test_every_precision_takes_the_same_first_step(dataset, precision):
    model = compile_model(small.config(dataset, precision=precision, num_classes=3))
    images = keras.random.normal((8, small.INPUT, small.INPUT, 3), 0, 50, seed=1)
    labels = np.arange(8) % 3
    model.fit(images, labels, batch_size=8, verbose=0)
    weights = model.get_layer("fc8").kernel.numpy()
    assert np.isfinite(weights).all()
    assert weights.dtype == np.float32


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"epochs": 0}, "epochs >= 1, got 0"),
        ({"save_every": 0}, "save_every >= 1, got 0"),
        ({"save_minutes": 0}, "save_minutes > 0, got 0"),
        ({"seed": -1}, "seed in .*got -1"),
        ({"preset": "googlenet"}, "Unknown preset 'googlenet'"),
        ({"overrides": {"colour": 1}}, "Unknown preset field colour"),
    ],
)
def test_configurations_that_make_no_sense_are_refused(fields, message):
    with pytest.raises(ValueError, match=message):
        TrainConfig("data", **fields)


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(DatasetError, match="no config.json"):
        TrainConfig.load(tmp_path)
