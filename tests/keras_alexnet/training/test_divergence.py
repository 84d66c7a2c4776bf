"""A training that diverges ends with an error, and leaves what was good as it was."""

import csv
import dataclasses
import shutil

import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.commands.train import TrainOptions
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import load_best
from keras_alexnet.training.fit import train
from keras_alexnet.training.state.checkpoint import (
    list_checkpoints,
    newest_checkpoint,
    save_checkpoint,
)
from keras_alexnet.training.state.progress import TrainState, best_row
from tests import small
from tfrecords import DatasetError

ONE_STEP = {"batch_size": 36, "learning_rate": 1e8}  # an epoch; its loss is still good


def test_an_update_that_ruins_the_network_is_seen_in_the_validation(
    tmp_path, dataset, monkeypatch, capsys
):
    config = small.config(dataset, **ONE_STEP, epochs=1)
    monkeypatch.setattr(TrainOptions, "config", lambda self: config)
    run = tmp_path / "run"
    assert cli.main(["train", str(dataset), str(run)]) == 1
    captured = capsys.readouterr()
    assert "Best validation error" not in captured.out
    error = captured.err.splitlines()[-1]
    assert "The val_loss became" in error and "the end of epoch 1" in error
    assert "--learning-rate" in error
    assert not (run / "best.keras").exists() and not (run / "history.csv").exists()
    assert list_checkpoints(run / "checkpoints") == []


def with_state(run, folder, **changes):
    """Copy a run with another state in its newest checkpoint."""
    shutil.copytree(run, folder)
    saved = newest_checkpoint(folder / "checkpoints")
    for name, value in changes.items():
        saved.state[name] = value
    save_checkpoint(folder / "checkpoints", saved, keep=1)
    return folder


def test_the_best_network_before_it_stays(run, tmp_path):
    saved = newest_checkpoint(run / "checkpoints")
    wild = {**saved.state["plateau"], "learning_rate": 1e8}
    part = with_state(run, tmp_path / "part", plateau=wild)
    best = (part / "best.keras").read_bytes()
    history = (part / "history.csv").read_bytes()
    config = dataclasses.replace(TrainConfig.load(part), epochs=3, batch_size=36)
    with pytest.raises(DatasetError, match="val_loss became .* end of epoch 3"):
        train(config, part, resume=True)
    assert (part / "best.keras").read_bytes() == best
    assert (part / "history.csv").read_bytes() == history
    (newest,) = list_checkpoints(part / "checkpoints")
    assert newest.name == "epoch-0002.npz"


def test_activations_that_overflow_unseen_are_not_the_best_network(
    tmp_path, dataset, monkeypatch
):
    """Where no figure shows it: rectifiers have made zeros of NaN."""
    own = TrainState._save

    def spoil(self, *arguments, **named):
        kernel = self.model.get_layer("conv1").kernel
        values = kernel.numpy()
        values[0, 0, :2, 0] = 3e38, -3e38  # finite, their sum too
        kernel.assign(values)
        own(self, *arguments, **named)

    monkeypatch.setattr(TrainState, "_save", spoil)
    run = tmp_path / "run"
    with pytest.raises(DatasetError, match="diverged: the output of conv1"):
        train(small.config(dataset, epochs=1), run)
    assert not (run / "best.keras").exists()
    assert list_checkpoints(run / "checkpoints") == []


def row(epoch, error, loss=1.0):
    return {"epoch": epoch, "val_error": error, "val_loss": loss}


def test_an_epoch_without_numbers_is_never_the_best():
    history = [row(1, 0.5), row(2, 0.0, float("nan")), row(3, 0.0, float("inf"))]
    assert best_row(history)["epoch"] == 1
    assert best_row([row(1, float("nan")), row(2, 0.9)])["epoch"] == 2
    with pytest.raises(DatasetError, match="finite figures"):
        best_row([row(1, 0.0, float("nan"))])


def test_a_run_that_an_earlier_version_let_diverge_is_not_resumed(run, tmp_path):
    history = newest_checkpoint(run / "checkpoints").state["history"]
    lost = {**history[1], "val_loss": float("nan"), "val_error": 0.0}
    part = with_state(run, tmp_path / "part", history=[history[0], lost])
    before = {p: p.read_bytes() for p in part.rglob("*") if p.is_file()}
    with pytest.raises(DatasetError, match="Epoch 2 of .* not finite.*new run"):
        train(TrainConfig.load(part), part, resume=True)
    assert {p: p.read_bytes() for p in part.rglob("*") if p.is_file()} == before


def test_a_record_of_such_an_epoch_is_forgotten_on_resume(run, tmp_path):
    saved = newest_checkpoint(run / "checkpoints")
    first, last = saved.state["history"]
    lost = {**first, "val_loss": float("nan"), "val_error": 0.0}
    plateau = {**saved.state["plateau"], "best": 0.0}
    part = with_state(run, tmp_path / "part", history=[lost, last], plateau=plateau)
    state = train(TrainConfig.load(part), part, resume=True)
    assert state.plateau.best == last["val_error"]


def test_of_equal_epochs_the_last_is_the_best_everywhere(tmp_path, dataset, capsys):
    # A rate of almost nothing: every epoch has the same error.
    config = small.config(dataset, epochs=3, learning_rate=1e-12, keep=3)
    run = tmp_path / "run"
    state = train(config, run)
    assert len({row["val_error"] for row in state.history}) == 1
    assert best_row(state.history)["epoch"] == 3
    assert cli.main(["train", str(dataset), str(run), "--resume"]) == 0
    assert "after epoch 3 of 3" in capsys.readouterr().out
    saved = newest_checkpoint(run / "checkpoints").arrays
    best = load_best(run).get_layer("conv1").kernel.numpy()
    np.testing.assert_array_equal(best, saved["model/conv1/kernel"])
    with (run / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3
