import dataclasses

import numpy as np
import pytest

from keras_alexnet.training import callbacks
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
