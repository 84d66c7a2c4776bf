"""Interrupted anywhere and resumed: equal to uninterrupted, to the last bit."""

import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pytest

from keras_alexnet import cli
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.training.fit import train
from keras_alexnet.training.state import checkpoint as checkpoint_file
from keras_alexnet.training.state import progress
from keras_alexnet.training.state.checkpoint import list_checkpoints, newest_checkpoint
from keras_alexnet.training.state.progress import TrainState
from keras_alexnet.training.state.stopping import SIGNALS, Interrupts
from tests import small
from tests.reference import rounding_bound
from tfrecords import DatasetError

NEAR = rounding_bound("float32")  # of a learning rate, which is float32

STEPS = 4  # of an epoch: 36 pictures in batches of 8


class Kill(Exception):
    """Stands for whatever ends a process."""


def state_of(run):
    """Return arrays and JSON of the newest checkpoint, without the wall seconds."""
    saved = newest_checkpoint(run / "checkpoints")
    state = json.loads(json.dumps(saved.state))
    for row in state["history"]:
        del row["seconds"]
    return saved, state


def assert_same_end(run, other):
    ours, state = state_of(run)
    theirs, other_state = state_of(other)
    assert (ours.epoch, ours.step) == (theirs.epoch, theirs.step)
    assert state == other_state
    assert set(ours.arrays) == set(theirs.arrays)
    for name, array in ours.arrays.items():
        np.testing.assert_array_equal(array, theirs.arrays[name], err_msg=name)


def interrupt(monkeypatch, hook, epoch, step, action):
    """Do something once, at the end of a hook, when the state is at a place."""
    own = getattr(TrainState, hook)
    places = []

    def watched(self, *arguments, **named):
        own(self, *arguments, **named)
        places.append((self.epoch, self.step))
        if places.count((epoch, step)) == 1 and places[-1] == (epoch, step):
            action()

    monkeypatch.setattr(TrainState, hook, watched)


def die():
    raise Kill


def send(signum):
    os.kill(os.getpid(), signum)


def resumed(run, **fields):
    config = dataclasses.replace(TrainConfig.load(run), **fields)
    return train(config, run, resume=True)


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
            train(small.config(dataset, save_every=every), part)
    saved = newest_checkpoint(part / "checkpoints")
    assert (saved and (saved.epoch, saved.step)) == newest
    resumed(part)
    assert_same_end(run, part)
    assert (part / "best.keras").exists()


def test_killed_for_good_in_a_process_of_its_own(run, tmp_path, dataset):
    part = tmp_path / "part"
    code = (
        "import os, signal\n"
        "from keras_alexnet import cli\n"
        "from keras_alexnet.training.state.progress import TrainState\n"
        "own = TrainState.on_train_batch_end\n"
        "def watched(self, *arguments, **named):\n"
        "    own(self, *arguments, **named)\n"
        "    if (self.epoch, self.step) == (1, 3):\n"
        "        self._writer.wait()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "TrainState.on_train_batch_end = watched\n"
        "from tests import small\n"
        "from keras_alexnet.training.fit import train\n"
        f"train(small.config({str(dataset)!r}, save_every=2), {str(part)!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    saved = newest_checkpoint(part / "checkpoints")
    assert (saved.epoch, saved.step) == (1, 2)
    resumed(part)
    assert_same_end(run, part)


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
    run, tmp_path, dataset, monkeypatch, capfd, signum, hook, epoch, step, message
):
    part = tmp_path / "part"
    # The run whose options the command line cannot all give.
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_end", 0, 1, lambda: send(signal.SIGINT))
        with pytest.raises(progress.Stopped, match="epoch 1 step 2"):
            train(small.config(dataset), part)
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
    resumed(part)
    assert_same_end(run, part)


def test_a_hang_up_that_nohup_ignores_is_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts:
            send(signal.SIGHUP)
            assert interrupts.signum is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_ctrl_c_stops_at_once(tmp_path, dataset, monkeypatch):
    def twice():
        send(signal.SIGINT)
        send(signal.SIGINT)

    interrupt(monkeypatch, "on_train_batch_begin", 0, 2, twice)
    with pytest.raises(KeyboardInterrupt):
        train(small.config(dataset), tmp_path / "run")
    assert list_checkpoints(tmp_path / "run" / "checkpoints") == []


def test_within_an_epoch_nothing_that_is_done_is_decoded_again(
    tmp_path, dataset, monkeypatch
):
    part = tmp_path / "part"
    interrupt(monkeypatch, "on_train_batch_end", 0, 3, die)
    with pytest.raises(Kill):
        train(small.config(dataset, epochs=1, save_every=3), part)
    steps = []
    own = TrainState.on_train_batch_end

    def counted(self, *arguments, **named):
        steps.append(self.step)
        own(self, *arguments, **named)

    monkeypatch.setattr(TrainState, "on_train_batch_end", counted)
    resumed(part)
    assert steps == [3]


def test_weights_that_are_not_finite_are_not_saved(tmp_path, dataset, monkeypatch):
    """Where the loss has not shown it yet."""
    part = tmp_path / "part"
    own = TrainState._save

    def spoil(self, *arguments, **named):
        if (self.epoch, self.step) == (0, 3):
            self.model.get_layer("fc8").bias.assign([0.0, np.nan, 0.0])
        own(self, *arguments, **named)

    monkeypatch.setattr(TrainState, "_save", spoil)
    with pytest.raises(DatasetError, match="model/fc8/bias is no longer finite"):
        train(small.config(dataset, save_every=1), part)
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
    train(small.config(dataset), part)
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
    with pytest.raises(DatasetError, match="No space left.*and --resume"):
        train(small.config(dataset), part)
    assert [p.name for p in (part / "checkpoints").iterdir()] == ["epoch-0001.npz"]
    # Once at the end of the epoch, once in the last attempt.
    assert capsys.readouterr().err.count("Warning: The state") == 2


def test_a_best_network_that_found_no_space_is_written_with_the_next_state(
    run, tmp_path, dataset, monkeypatch
):
    own, calls = progress.save_best, []

    def full_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        own(*arguments)

    monkeypatch.setattr(progress, "save_best", full_once)
    part = tmp_path / "part"
    train(small.config(dataset), part)
    assert (part / "best.keras").exists()
    assert len(calls) == 2
    assert_same_end(run, part)


def test_another_batch_is_refused_within_an_epoch(tmp_path, dataset, monkeypatch):
    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_end", 0, 2, die)
        with pytest.raises(Kill):
            train(small.config(dataset, save_every=2), part)
    with pytest.raises(DatasetError, match="an epoch of 4 steps.*got one of 9"):
        resumed(part, batch_size=4)


def test_a_schedule_goes_on_after_an_interruption(tmp_path, dataset, monkeypatch):
    """With changes in every epoch: a drop, conv1 slowed, then frozen, no noise."""
    from keras_alexnet.training.update import scheduled_rates

    every = scheduled_rates.Schedule(
        drops=(1,), slowed=1, frozen=2, colour_off=2, stop=3
    )
    monkeypatch.setitem(scheduled_rates.SCHEDULES, "released-2012", every)
    config = small.config(
        dataset, epochs=None, schedule="released-2012", learning_rate=0.01, keep=3
    )
    whole, part = tmp_path / "whole", tmp_path / "part"
    train(config, whole)
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_end", 2, 1, die)
        with pytest.raises(Kill):
            train(dataclasses.replace(config, save_every=3), part)
    resumed(part)
    assert_same_end(whole, part)
    rates = [row["learning_rate"] for row in state_of(whole)[1]["history"]]
    np.testing.assert_allclose(rates, [0.01, 0.001, 0.001], rtol=NEAR)
    second, third = (
        checkpoint_file.read_checkpoint(path).arrays
        for path in list_checkpoints(whole / "checkpoints")[-2:]
    )
    for name in second:
        frozen = "/conv1/" in name and "rate_factor" not in name
        same = np.array_equal(second[name], third[name])
        assert same == frozen or "rate" in name, name
