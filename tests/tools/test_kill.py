"""The harness that kills and resumes, with a stand-in for the training."""

import json
import os
import sys

import numpy as np
import pytest

from keras_alexnet.record import Record
from keras_alexnet.training.state.checkpoint import Checkpoint, save_checkpoint
from tests.tools import kill

# A training of 40 steps with momentum, a state after each. "--forget" is the bug that
# the harness is there to find: a resumed run does not have its velocity.
STAND_IN = """
import json, os, random, sys, threading
from pathlib import Path
import numpy as np
from keras_alexnet.training.state.checkpoint import *
folder = Path(sys.argv[3])
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
def stand_in(tmp_path, monkeypatch):
    """The harness with the stand-in as `alexnet`, and the folder of its runs."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)
    command = [sys.executable, str(tmp_path / "stand_in.py")]
    monkeypatch.setattr(kill, "ALEXNET", command)
    monkeypatch.setattr(kill.tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_every_run_is_killed_resumed_and_equal(stand_in, capsys):
    path = stand_in / "record.json"
    own = ["train", "data", "--runs", "2", "--kills", "2", "--json", str(path)]
    assert kill.main([*own, "--patience", "4"]) == 0
    assert "run 2: equal" in capsys.readouterr().out
    record = Record.load(path)
    assert record.value("equal in every bit, nothing written again") == 2
    assert 2 <= record.value("kills") <= 4 and record.value("run left alone") > 0
    assert all("training after " in note for note in record.notes)
    assert not list(stand_in.glob("kill_*"))


def test_a_training_that_forgets_its_velocity_is_found_out(stand_in, capsys):
    assert kill.main(["train", "data", "--runs", "1", "--seed", "3", "--forget"]) == 1
    assert "'velocity', 'weight'" in capsys.readouterr().out
    (run,) = stand_in.glob("kill_*/run01/config.json")  # kept, to look at
    assert json.loads(run.read_text())[-2:] == ["--forget", "--resume"]


def test_one_bit_one_row_and_a_place_are_differences(tmp_path):
    def result(number, epoch=3, zero=0.0, **row):
        arrays = {"weight": np.array([zero, 1.0], np.float32)}
        row = {"loss": 0.5, "seconds": float(number), **row}
        state = {"history": [row], "plateau": {"wait": 1}}
        folder = tmp_path / str(number) / "checkpoints"
        folder.mkdir(parents=True)
        save_checkpoint(folder, Checkpoint(epoch, 0, arrays, state), 2)
        return kill.Killed("train", "data", []).result(folder.parent)

    def differ(one, other):
        return {name for name, _ in one.items() ^ other.items()}

    first = result(0)
    assert differ(first, result(1)) == set()  # but for the seconds
    assert differ(first, result(2, zero=-0.0)) == {"weight"}
    assert differ(first, result(3, loss=0.25)) == {"history"}
    assert differ(first, result(4, epoch=2)) == {"place"}


def test_what_was_finished_and_is_written_again_is_found_out(tmp_path):
    run, shard, other = kill.Run(), tmp_path / "shard", tmp_path / "other"
    for path in (shard, other):
        path.write_bytes(b"the same")
    run.keep([shard, other])
    (tmp_path / "new").write_bytes(b"the same")
    os.replace(tmp_path / "new", shard)
    other.unlink()
    run.keep([])
    assert run.wrong == {"shard written again"}


@pytest.mark.slow
def test_builds_that_are_killed_end_as_one_left_alone(capsys):
    small = ["--limit", "300", "--size", "32", "--shards", "4"]
    assert kill.main(["build", "digits", "--runs", "3", "--kills", "3", *small]) == 0
