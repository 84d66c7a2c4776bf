"""Interrupted anywhere and resumed: equal to uninterrupted, to the last bit."""

import csv
import errno
import json
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.trained.folder import load_model
from keras_alexnet.training import training_run
from keras_alexnet.training.state import checkpoint as checkpoint_file
from keras_alexnet.training.state.checkpoint import list_checkpoints, newest_checkpoint
from keras_alexnet.training.state.progress import best_row
from keras_alexnet.training.state.saving import Saving
from keras_alexnet.training.state.stopping import SIGNALS, Interrupted
from tests import small
from tests.keras_alexnet.training.conftest import (
    Kill,
    assert_same_end,
    die,
    interrupt,
    send,
    with_state,
)
from tfrecords.errors import UserError


@pytest.mark.parametrize(
    ("epoch", "step", "every", "newest"),
    [
        (0, 1, 3, None),
        (0, 3, 1, (0, 3)),
        (1, 2, 5, (1, 1)),  # step 5 of the run
        (1, 4, 2, (1, 2)),
    ],
)
def test_killed_at_a_step(
    run, tmp_path, dataset, monkeypatch, epoch, step, every, newest
):
    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_end", epoch, step, die)
        with pytest.raises(Kill):
            small.train(dataset, part, save_every=every)
    saved = newest_checkpoint(part / "checkpoints")
    assert (saved and (saved.epoch, saved.step)) == newest
    small.resume(part)
    assert_same_end(run, part)
    assert (part / "network.keras").exists()


@pytest.mark.slow
def test_killed_for_good_in_a_process_of_its_own(run, tmp_path, dataset):
    part = tmp_path / "part"
    code = (
        "import os, signal\n"
        "from keras_alexnet import cli\n"
        "from keras_alexnet.training.state.saving import Saving\n"
        "own = Saving.on_train_batch_end\n"
        "def watched(self, *arguments, **named):\n"
        "    own(self, *arguments, **named)\n"
        "    if (self.progress.epoch, self.progress.step) == (1, 3):\n"
        "        self._writer.wait()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "Saving.on_train_batch_end = watched\n"
        "from tests import small\n"
        f"small.train({str(dataset)!r}, {str(part)!r}, save_every=2)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    saved = newest_checkpoint(part / "checkpoints")
    assert (saved.epoch, saved.step) == (1, 2)
    small.resume(part)
    assert_same_end(run, part)


@pytest.fixture(scope="module")
def stopped(dataset, tmp_path_factory):
    """A run stopped early, whose options the command line cannot all give."""
    part = tmp_path_factory.mktemp("stopped") / "part"
    with pytest.MonkeyPatch.context() as patch:
        interrupt(patch, "on_train_batch_end", 0, 1, lambda: send(signal.SIGINT))
        with pytest.raises(Interrupted, match="epoch 1 step 2"):
            small.train(dataset, part)
    return part


@pytest.fixture
def part(stopped, tmp_path):
    return shutil.copytree(stopped, tmp_path / "part")


@pytest.mark.parametrize(
    ("signum", "hook", "epoch", "step", "message"),
    [
        (signal.SIGINT, "on_train_batch_begin", 0, 2, "stopped at epoch 1 step 3"),
        (signal.SIGTERM, "on_train_batch_begin", 1, 0, "stopped at epoch 2 step 1"),
        (signal.SIGTERM, "on_test_batch_begin", 0, 4, "stopped at epoch 1 step 4"),
        (signal.SIGHUP, "on_train_batch_begin", 1, 1, "stopped at epoch 2 step 2"),
        (signal.SIGINT, "on_epoch_end", 1, 0, None),  # noted too late for that epoch
    ],
)
def test_a_signal_saves_and_stops_with_its_status(
    run, part, dataset, monkeypatch, capfd, signum, hook, epoch, step, message
):
    # Under nohup, as the tests may run, a hang-up would be ignored.
    ignored = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    before = [signal.getsignal(s) for s in SIGNALS]
    with monkeypatch.context() as patch:
        interrupt(patch, hook, epoch, step, lambda: send(signum))
        status = cli.main(["train", str(dataset), str(part), "--resume"])
    assert [signal.getsignal(s) for s in SIGNALS] == before
    signal.signal(signal.SIGHUP, ignored)
    if message is None:
        message = "stopped at epoch 2 step 1"
    assert status == 128 + signum
    assert f"{message}; go on with --resume" in capfd.readouterr().err
    small.resume(part)
    assert_same_end(run, part)


def test_within_an_epoch_nothing_that_is_done_is_decoded_again(
    tmp_path, dataset, monkeypatch
):
    part = tmp_path / "part"
    interrupt(monkeypatch, "on_train_batch_end", 0, 3, die)
    with pytest.raises(Kill):
        small.train(dataset, part, epochs=1, save_every=3)
    steps = []
    own = Saving.on_train_batch_end

    def counted(self, *arguments, **named):
        steps.append(self.progress.step)
        own(self, *arguments, **named)

    monkeypatch.setattr(Saving, "on_train_batch_end", counted)
    small.resume(part)
    assert steps == [3]


def test_weights_that_are_not_finite_are_not_saved(tmp_path, dataset, monkeypatch):
    """Where the loss has not shown it yet."""
    part = tmp_path / "part"
    own = Saving._save

    def spoil(self, *arguments, **named):
        if (self.progress.epoch, self.progress.step) == (0, 3):
            self.model.get_layer("fc8").bias.assign([0.0, np.nan, 0.0])
        own(self, *arguments, **named)

    monkeypatch.setattr(Saving, "_save", spoil)
    with pytest.raises(UserError, match="model/fc8/bias is no longer finite"):
        small.train(dataset, part, save_every=1)
    saved = newest_checkpoint(part / "checkpoints")
    assert (saved.epoch, saved.step) == (0, 2)


class Disk:
    """Fails the writes of checkpoints whose places are given."""

    def __init__(self, monkeypatch, full):
        self.full = full
        self.own = checkpoint_file._write
        monkeypatch.setattr(checkpoint_file, "_write", self.write)

    def write(self, file, arrays):
        state = json.loads(arrays["state.json"].tobytes())
        if len(state["history"]) in self.full:
            file.write(b"PK the beginning")
            raise OSError(errno.ENOSPC, "No space left on device")
        self.own(file, arrays)


def test_a_full_disk_warns_and_the_next_epoch_is_saved(
    run, tmp_path, dataset, monkeypatch, capsys
):
    part = tmp_path / "part"
    Disk(monkeypatch, {1})
    small.train(dataset, part)
    warnings = capsys.readouterr().err
    assert warnings.count("Warning: The state of the training") == 1
    assert "No space left on device" in warnings
    assert [p.name for p in (part / "checkpoints").iterdir()] == ["epoch-0002.npz"]
    assert_same_end(run, part)


def test_a_disk_that_stays_full_is_an_error_at_the_end(
    tmp_path, dataset, monkeypatch, capsys
):
    part = tmp_path / "part"
    Disk(monkeypatch, {2})
    with pytest.raises(UserError, match="No space left.*and --resume"):
        small.train(dataset, part)
    assert [p.name for p in (part / "checkpoints").iterdir()] == ["epoch-0001.npz"]
    # Once at the end of the epoch, once in the last attempt.
    assert capsys.readouterr().err.count("Warning: The state") == 2


def test_a_best_network_that_found_no_space_is_written_with_the_next_state(
    run, tmp_path, dataset, monkeypatch
):
    own, calls = training_run.save_best, []

    def full_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        own(*arguments)

    monkeypatch.setattr(training_run, "save_best", full_once)
    part = tmp_path / "part"
    small.train(dataset, part)
    assert (part / "network.keras").exists()
    assert len(calls) == 2
    assert_same_end(run, part)


def test_another_batch_is_refused_within_an_epoch(tmp_path, dataset, monkeypatch):
    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_end", 0, 2, die)
        with pytest.raises(Kill):
            small.train(dataset, part, save_every=2)
    with pytest.raises(UserError, match="an epoch of 4 steps.*got one of 9"):
        small.resume(part, batch_size=4)


def test_activations_that_overflow_unseen_are_not_the_best_network(
    tmp_path, dataset, monkeypatch
):
    """Where no figure shows it: rectifiers have made zeros of NaN."""
    own = Saving._save

    def spoil(self, *arguments, **named):
        kernel = self.model.get_layer("conv1").kernel
        values = kernel.numpy()
        values[0, 0, :2, 0] = 3e38, -3e38  # finite, their sum too
        kernel.assign(values)
        own(self, *arguments, **named)

    monkeypatch.setattr(Saving, "_save", spoil)
    run = tmp_path / "run"
    with pytest.raises(UserError, match="diverged: the output of conv1"):
        small.train(dataset, run, epochs=1)
    assert not (run / "network.keras").exists()
    assert list_checkpoints(run / "checkpoints") == []


def test_a_run_that_an_earlier_version_let_diverge_is_not_resumed(run, tmp_path):
    history = newest_checkpoint(run / "checkpoints").state["history"]
    lost = {**history[1], "val_loss": float("nan"), "val_error": 0.0}
    part = with_state(run, tmp_path / "part", history=[history[0], lost])
    before = {p: p.read_bytes() for p in part.rglob("*") if p.is_file()}
    with pytest.raises(UserError, match="Epoch 2 of .* not finite.*new run"):
        small.resume(part)
    assert {p: p.read_bytes() for p in part.rglob("*") if p.is_file()} == before


def test_a_record_of_such_an_epoch_is_forgotten_on_resume(run, tmp_path, monkeypatch):
    seen, own = [], Saving.restore

    def watched(self, checkpoint):
        own(self, checkpoint)
        seen.append(self.plateau.best)

    monkeypatch.setattr(Saving, "restore", watched)
    saved = newest_checkpoint(run / "checkpoints")
    first, last = saved.state["history"]
    lost = {**first, "val_loss": float("nan"), "val_error": 0.0}
    plateau = {**saved.state["plateau"], "best": 0.0}
    part = with_state(run, tmp_path / "part", history=[lost, last], plateau=plateau)
    small.resume(part)
    assert seen == [last["val_error"]]


def test_of_equal_epochs_the_last_is_the_best_everywhere(tmp_path, dataset, capsys):
    # A rate of almost nothing: every epoch has the same error.
    run = tmp_path / "run"
    state = small.train(dataset, run, epochs=3, learning_rate=1e-12, keep=3)
    assert len({row["val_error"] for row in state.history}) == 1
    assert best_row(state.history)["epoch"] == 3
    assert cli.main(["train", str(dataset), str(run), "--resume"]) == 0
    assert "after epoch 3 of 3" in capsys.readouterr().out
    saved = newest_checkpoint(run / "checkpoints").arrays
    best = load_model(run).get_layer("conv1").kernel.numpy()
    np.testing.assert_array_equal(best, saved["model/conv1/kernel"])
    with (run / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3


@pytest.mark.parametrize(("before", "kept"), [(0.5, True), (2.0, False)])
def test_of_equal_errors_the_smaller_loss_is_kept_after_a_resume(
    tmp_path, dataset, before, kept
):
    # A rate of almost nothing: the next epoch has the same error and loss.
    first = tmp_path / "first"
    state = small.train(dataset, first, epochs=1, learning_rate=1e-12)
    (row,) = state.history
    earlier = {**row, "val_loss": before * row["val_loss"]}
    part = with_state(first, tmp_path / "part", history=[earlier])
    network = (part / "network.keras").read_bytes()
    state = small.resume(part, epochs=2)
    assert state.history[0]["val_error"] == state.history[1]["val_error"]
    assert state.history[0] == earlier
    assert best_row(state.history)["epoch"] == (1 if kept else 2)
    assert ((part / "network.keras").read_bytes() == network) == kept
