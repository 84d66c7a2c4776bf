"""Interrupted and resumed with a strategy, and gone on with another one.

A strategy wants a process of its own; these take a minute each.
"""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests import small
from tests.reference import training_bound

ROOT = Path(__file__).parents[3]

SCRIPT = """
import dataclasses, json, sys
import numpy as np
from pathlib import Path
from keras_alexnet.training.state.checkpoint import newest_checkpoint
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.training.fit import train
from keras_alexnet.training.devices.plan import ONE_DEVICE, plan_devices
from keras_alexnet.training.state.progress import TrainState
from tests import small

folder, data, strategy = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
plan = plan_devices(strategy, logical_devices=2)
config = small.config(data, save_every=1)
own = TrainState.on_train_batch_end

class Kill(Exception):
    pass

def killed(run, config, plan):
    def watched(self, *arguments, **named):
        own(self, *arguments, **named)
        if (self.epoch, self.step) == (1, 2):
            raise Kill
    TrainState.on_train_batch_end = watched
    try:
        train(config, run, plan=plan)
    except Kill:
        pass
    else:
        raise AssertionError("it was not interrupted")
    finally:
        TrainState.on_train_batch_end = own

def end(run):
    saved = newest_checkpoint(run / "checkpoints")
    for row in saved.state["history"]:
        del row["seconds"]
    return saved.arrays, saved.state["history"]

def gap(one, other):
    assert set(one) == set(other), set(one) ^ set(other)
    gaps = []
    for name, value in one.items():
        largest = max(np.abs(value).max(), 1e-12)
        gaps.append(float(np.abs(value - other[name].astype("f8")).max() / largest))
    return max(gaps)

whole, part, moved = folder / "whole", folder / "part", folder / "moved"
train(config, whole, plan=plan)
for run, second in ((part, plan), (moved, ONE_DEVICE)):
    killed(run, config, plan)
    train(TrainConfig.load(run), run, resume=True, plan=second)
ends = [end(run) for run in (whole, part, moved)]
print(json.dumps({
    "same": gap(ends[0][0], ends[1][0]),
    "rows_same": ends[0][1] == ends[1][1],
    "moved": gap(ends[0][0], ends[2][0]),
    "val_errors": [row["val_error"] for _, rows in ends for row in rows],
}))
"""


@pytest.mark.slow
@pytest.mark.parametrize("strategy", ["mirrored", "towers"])
def test_resumed_with_a_strategy_and_with_another(dataset, tmp_path, strategy):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path), str(dataset), strategy],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["same"] == 0 and figures["rows_same"]
    # On one device from there on, for at most two epochs of 4 steps.
    assert figures["moved"] < training_bound("float32", small.TERMS, steps=8)


WORKER = """
import json, os, signal, sys
from pathlib import Path
from keras_alexnet.training.devices.plan import plan_devices
plan = plan_devices("multiworker")
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.training.fit import train
from keras_alexnet.training.state.stopping import Stopped
from keras_alexnet.training.state.progress import TrainState
from tests import small

data, run, action = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
second = json.loads(os.environ["TF_CONFIG"])["task"]["index"] == 1
own = TrainState.on_train_batch_end

def watched(self, *arguments, **named):
    own(self, *arguments, **named)
    place = (self.epoch, self.step) if second else None
    if action == "stop" and place == (2, 1):
        os.kill(os.getpid(), signal.SIGTERM)
    if action == "die" and place == (1, 3):
        os.kill(os.getpid(), signal.SIGKILL)

TrainState.on_train_batch_end = watched
resume = (run / "config.json").exists()
config = small.config(data, epochs=3, save_every=3)
config = TrainConfig.load(run) if resume else config
try:
    train(config, run, resume=resume, plan=plan)
except Stopped as stop:
    print(stop, flush=True)
    sys.exit(stop.status)
"""


@pytest.mark.slow
def test_two_workers_stop_together_and_resume_the_same(dataset, tmp_path):
    """A signal to one of them, then a death of one; each in its own run."""
    from keras_alexnet.training.state.checkpoint import newest_checkpoint

    program = tmp_path / "worker.py"
    program.write_text(WORKER)

    def launch(run, action):
        command = [sys.executable, str(ROOT / "scripts" / "launch_workers.py"), "2"]
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
