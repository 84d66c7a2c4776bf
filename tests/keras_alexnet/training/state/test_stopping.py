"""Signals, and workers that stop together."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keras_alexnet.training.state.checkpoint import list_checkpoints, newest_checkpoint
from keras_alexnet.training.state.stopping import SIGNALS, Interrupted, Signals
from tests import small
from tests.keras_alexnet.training.conftest import interrupt, send

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize(
    ("signum", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)],
)
def test_the_status_is_the_usual_one(signum, status):
    stop = Interrupted(signum, 3, 7)
    assert stop.status == status
    assert str(stop) == "stopped at epoch 3 step 7; go on with --resume"


def test_the_first_signal_is_noted_and_the_handlers_come_back():
    before = [signal.getsignal(s) for s in SIGNALS]
    with Signals() as signals:
        assert signals.signum is None
        send(signal.SIGTERM)
        send(signal.SIGINT)
        assert signals.signum == signal.SIGTERM
    assert [signal.getsignal(s) for s in SIGNALS] == before


def test_a_hang_up_that_nohup_ignores_is_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            send(signal.SIGHUP)
            assert signals.signum is None
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_second_ctrl_c_stops_at_once(tmp_path, dataset, monkeypatch):
    def twice():
        send(signal.SIGINT)
        send(signal.SIGINT)

    interrupt(monkeypatch, "on_train_batch_begin", 0, 2, twice)
    with pytest.raises(KeyboardInterrupt):
        small.train(dataset, tmp_path / "run")
    assert list_checkpoints(tmp_path / "run" / "checkpoints") == []


def test_a_note_to_nobody_does_not_stop_a_training(monkeypatch):
    def broken(*_):
        raise BrokenPipeError

    monkeypatch.setattr(os, "write", broken)
    signals = Signals()
    signals._note(signal.SIGTERM, None)
    assert signals.signum == signal.SIGTERM


WORKER = """
import json, os, signal, sys
from pathlib import Path
from keras_alexnet.training.devices.plan import plan_devices
plan = plan_devices("multiworker")
from keras_alexnet.training.state.stopping import Interrupted
from keras_alexnet.training.state.saving import Saving
from tests import small

data, run, action = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
second = json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1
own = Saving.on_train_batch_end

def watched(self, *arguments, **named):
    own(self, *arguments, **named)
    place = (self.progress.epoch, self.progress.step) if second else None
    if action == "stop" and place == (2, 1):
        os.kill(os.getpid(), signal.SIGTERM)
    if action == "die" and place == (1, 3):
        os.kill(os.getpid(), signal.SIGKILL)

Saving.on_train_batch_end = watched
try:
    if (run / "config.json").exists():
        small.resume(run, plan=plan)
    else:
        small.train(data, run, plan=plan, epochs=3, save_every=3)
except Interrupted as stop:
    print(stop, flush=True)
    sys.exit(stop.status)
"""


@pytest.mark.slow
def test_two_workers_stop_together_and_resume_the_same(dataset, tmp_path):
    """A signal to one of them, then a death of one; each in its own run."""
    program = tmp_path / "worker.py"
    program.write_text(WORKER)

    def launch(run, action):
        command = [sys.executable, "-m", "keras_alexnet", "launch", "2"]
        command += ["--logs", str(tmp_path / "logs"), "--program"]
        command += [f"{shlex.quote(sys.executable)} {shlex.quote(str(program))}", "--"]
        done = subprocess.run(
            [*command, str(dataset), str(tmp_path / run), action],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        saved = newest_checkpoint(tmp_path / run / "checkpoints")
        for row in saved.state["history"]:
            del row["seconds"]
        return done, saved

    done, whole = launch("whole", "none")
    assert done.returncode == 0, done.stderr
    done, saved = launch("stopped", "stop")
    assert done.returncode == 143, done.stderr
    # The others are asked at every tenth step of the run.
    assert (saved.epoch, saved.step) == (2, 2)
    assert "stopped at epoch 3 step 2" in done.stdout
    done, saved = launch("dead", "die")
    assert done.returncode == 137, done.stderr
    assert (saved.epoch, saved.step) == (1, 2)  # the sixth step
    for run in ("stopped", "dead"):
        done, saved = launch(run, "none")
        assert done.returncode == 0, done.stderr
        assert saved.state == whole.state
        assert set(saved.arrays) == set(whole.arrays)
        for name, array in whole.arrays.items():
            assert array.tobytes() == saved.arrays[name].tobytes(), name
