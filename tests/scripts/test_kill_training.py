"""The loop that kills and resumes, with a stand-in for the training."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from keras_alexnet.training.state.checkpoint import Checkpoint, newest_checkpoint

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "kill_training.py"

# A training of 40 steps with momentum, a state after each; "--forget" is the bug that
# the script is there to find: a resumed run does not have its velocity.
STAND_IN = """
import json, os, random, sys, threading
from pathlib import Path
import numpy as np
from keras_alexnet.training.state.checkpoint import *
folder = Path(sys.argv[2])
checkpoints = folder / "checkpoints"
checkpoints.mkdir(parents=True, exist_ok=True)
(folder / "config.json").write_text(json.dumps(sys.argv))
saved = newest_checkpoint(checkpoints) if "--resume" in sys.argv else None
weight, velocity, history, first = np.ones(3), np.zeros(3), [], 0
if saved is not None:
    weight, first = saved.arrays["weight"], saved.epoch
    history = saved.state["history"]
    if "--forget" not in sys.argv:
        velocity = saved.arrays["velocity"]
for epoch in range(first, 40):
    velocity = 0.9 * velocity - 0.01 * weight
    weight = weight + velocity
    history.append({"loss": float(weight.sum()), "seconds": random.random()})
    arrays = {"weight": weight, "velocity": velocity}
    state = {"history": history}
    save_checkpoint(checkpoints, Checkpoint(epoch + 1, 0, arrays, state), 2)
    threading.Event().wait(0.01)  # a step takes its time
"""


@pytest.fixture
def script(tmp_path, monkeypatch):
    """The script as a module, with the stand-in as the training."""
    spec = importlib.util.spec_from_file_location("kill_training", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "kill_training", module)
    spec.loader.exec_module(module)
    stand_in = tmp_path / "stand_in.py"
    stand_in.write_text(STAND_IN)
    monkeypatch.setattr(module, "ALEXNET", [sys.executable, str(stand_in)])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return module


def test_every_run_is_killed_resumed_and_equal(script, tmp_path, capsys):
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    own = ["data", "--runs", "2", "--kills", "2", "--out", str(out)]
    assert script.main([*own, "--json", str(figures), "--patience", "4"]) == 0
    assert "2 of 2 runs were killed and ended equal" in capsys.readouterr().out
    held = json.loads(figures.read_text())
    assert held["equal"] == 2 and held["train_options"] == ["--patience", "4"]
    for number, run in enumerate(held["runs"], start=1):
        assert run["equal"] and run["history_equal"] and run["starts"] >= 2
        assert run["kills"][0]["process"] == "training"
        arguments = json.loads((out / f"run{number:02d}" / "config.json").read_text())
        assert arguments[-1] == "--resume"
        assert newest_checkpoint(out / f"run{number:02d}" / "checkpoints").epoch == 40


def test_a_training_that_forgets_its_velocity_is_found_out(script, tmp_path, capsys):
    own = ["data", "--runs", "1", "--out", str(tmp_path / "out"), "--seed", "3"]
    assert script.main([*own, "--forget"]) == 1
    out = capsys.readouterr().out
    assert "run 1: NOT EQUAL" in out and "0 of 1 runs" in out


def test_one_bit_and_one_row_are_differences(script):
    arrays = {"weight": np.array([0.0, 1.0], np.float32)}
    state = {"history": [{"loss": 0.5, "seconds": 1.0}], "plateau": {"wait": 1}}
    one = Checkpoint(3, 0, arrays, state)
    other = Checkpoint(3, 0, {"weight": np.array([-0.0, 1.0], np.float32)}, state)
    assert script.differences(one, one) == (0.0, True)
    assert script.differences(one, other)[0] > 0
    assert script.differences(one, Checkpoint(3, 0, {}, state))[0] == float("inf")
    slower = {**state, "history": [{"loss": 0.5, "seconds": 2.0}]}
    waiting = {**state, "plateau": {"wait": 2}}
    assert script.differences(one, Checkpoint(3, 0, arrays, slower)) == (0.0, True)
    assert script.differences(one, Checkpoint(3, 0, arrays, waiting)) == (0.0, False)


def test_workers_are_known_by_their_task(script, tmp_path):

    config = {"task": {"type": "worker", "index": 1}}
    code = "print('up', flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "TF_CONFIG": json.dumps(config)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with process:
        assert process.stdout.readline() == b"up\n"
        assert script.workers(os.getpid()) == {"worker 1": process.pid}
        process.communicate(b"\n")
    assert script.workers(os.getpid()) == {}


def test_modes_add_what_the_user_has_not_said(script, tmp_path):
    def options(*arguments):
        parsed = script.parse(["data", *arguments])
        return script.train_options(script.Training(tmp_path / "run", parsed))

    assert options("--epochs", "3") == ["--epochs", "3", "--seed", "0"]
    towers = options("--mode", "towers", "--seed", "5")
    assert towers == ["--seed", "5", "--strategy", "towers", "--logical-devices", "2"]
    four = options("--mode", "towers", "--logical-devices", "4")
    assert four[:2] == ["--logical-devices", "4"] and four.count("--strategy") == 1
