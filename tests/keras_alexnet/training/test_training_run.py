import dataclasses
import json
import signal

import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.training import callbacks
from keras_alexnet.training.state.checkpoint import (
    list_checkpoints,
    newest_checkpoint,
    save_checkpoint,
)
from keras_alexnet.training.state.stopping import Interrupted
from tests import small
from tests.keras_alexnet.training.conftest import assert_same_end, interrupt, send
from tests.reference import rounding_bound
from tfrecords import DatasetError

BFLOAT16 = pytest.param("mixed_bfloat16", marks=pytest.mark.bfloat16)
NEAR = rounding_bound("float32")  # of a learning rate, which is float32


def test_resuming_a_finished_run_changes_nothing(run, dataset, capsys):
    before = {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()}
    small.resume(run)
    assert {p: p.stat().st_mtime_ns for p in run.rglob("*") if p.is_file()} == before
    assert "Nothing to do" in capsys.readouterr().out


def test_the_small_network_learns_the_colours(tmp_path, dataset):
    state = small.train(dataset, tmp_path / "run", epochs=12, colour_noise=None)
    assert min(row["val_error"] for row in state.history) < 0.34


def test_training_ends_after_the_last_plateau(tmp_path, dataset):
    # A rate of almost nothing: no epoch is better than the first.
    fields = {"epochs": 20, "learning_rate": 1e-12, "patience": 1, "reductions": 2}
    state = small.train(dataset, tmp_path / "run", **fields)
    assert len(state.history) == 4
    rates = [row["learning_rate"] for row in state.history]
    np.testing.assert_allclose(rates, [1e-12, 1e-12, 1e-13, 1e-14], rtol=NEAR)
    assert state.plateaus_over


def test_loss_that_is_not_a_number_keeps_the_last_checkpoint(
    tmp_path, dataset, monkeypatch
):
    monkeypatch.setattr(callbacks, "SECONDS_BETWEEN_LOOKS", 0.0)
    run = tmp_path / "run"
    small.train(dataset, run, epochs=1)
    saved = newest_checkpoint(run / "checkpoints")
    rate = np.float32(1e30)
    saved.state["plateau"]["learning_rate"] = float(rate)
    arrays = {**saved.arrays, "optimizer/learning_rate": rate}
    wild = dataclasses.replace(saved, arrays=arrays)
    path = save_checkpoint(run / "checkpoints", wild, keep=1)
    best = (run / "network.keras").read_bytes()
    with pytest.raises(DatasetError, match=r"The loss became (nan|inf).*1e\+30"):
        small.resume(run, epochs=3, save_every=1)
    names = [saved.name for saved in list_checkpoints(run / "checkpoints")]
    assert names[0] == path.name
    assert all(np.isfinite(array).all() for array in _newest_weights(run))
    assert (run / "network.keras").read_bytes() == best


def _newest_weights(run):
    arrays = newest_checkpoint(run / "checkpoints").arrays
    return [array for name, array in arrays.items() if name.startswith("model/")]


def of_earlier_release(part):
    """Make of a run one whose order went through a buffer."""
    saved = newest_checkpoint(part / "checkpoints")
    assert saved.state.pop("order") == "index"
    save_checkpoint(part / "checkpoints", saved, keep=1)
    document = json.loads((part / "config.json").read_text())
    document["recipe"]["shuffle"] = "buffer"
    del document["recipe"]["read_run"]
    (part / "config.json").write_text(json.dumps(document))


@pytest.fixture
def old(dataset, tmp_path, monkeypatch):
    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_end", 0, 1, lambda: send(signal.SIGINT))
        with pytest.raises(Interrupted):
            small.train(dataset, part)
    of_earlier_release(part)
    return part


def test_a_run_of_an_earlier_release_is_told_that_its_order_is_gone(
    old, dataset, capsys
):
    before = (old / "config.json").read_bytes()
    assert cli.main(["train", str(dataset), str(old), "--resume"]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "--resume --shuffle index" in error
    assert (old / "config.json").read_bytes() == before


def test_it_goes_on_from_its_next_epoch(old, dataset, capsys):
    saved = newest_checkpoint(old / "checkpoints")
    assert (saved.epoch, saved.step) == (0, 2)
    asked = ["train", str(dataset), str(old), "--resume", "--shuffle", "index"]
    assert cli.main(asked) == 0
    assert "Epoch 1 ends after step 2 of 4" in capsys.readouterr().out
    ended = newest_checkpoint(old / "checkpoints")
    assert [row["epoch"] for row in ended.state["history"]] == [1, 2]
    assert ended.arrays["optimizer/iteration"] == 2 + 4
    assert read_config(old).preset.recipe.shuffle == "index"
    # Of 16 pictures, those of the two steps.
    errors = 16 * ended.state["history"][0]["error"]
    assert errors == round(errors) > 0


def test_a_run_that_was_between_two_epochs_loses_nothing(run, dataset, tmp_path):
    part = tmp_path / "part"
    small.train(dataset, part, epochs=1)
    of_earlier_release(part)
    small.resume(part, epochs=2, shuffle="index")
    assert_same_end(run, part)
