"""Runs of the small network, interrupted and resumed, for tests of training."""

import hashlib
import inspect
import json
import os
import shutil

import keras
import numpy as np

from keras_alexnet.training.state.checkpoint import newest_checkpoint, save_checkpoint
from keras_alexnet.training.state.saving import Saving


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
    own = getattr(Saving, hook)
    places = []

    def watched(self, *arguments, **named):
        own(self, *arguments, **named)
        places.append((self.progress.epoch, self.progress.step))
        if places.count((epoch, step)) == 1 and places[-1] == (epoch, step):
            action()

    monkeypatch.setattr(Saving, hook, watched)


def die():
    raise Kill


def send(signum):
    os.kill(os.getpid(), signum)


def check_sources(file, functions):
    """Fail where Keras has changed what a file overrides or repeats.

    Args:
        file: Such as `update/optimizer.py`, of `keras_alexnet/training`.
        functions: Digest of the source of each function that it rests on.
    """
    for function, expected in functions.items():
        source = inspect.getsource(function).encode()
        found = hashlib.sha256(source).hexdigest()[:16]
        assert found == expected, (
            f"Keras {keras.__version__} has another {function.__qualname__} than 3.15, "
            f"on which keras_alexnet/training/{file} rests. Read the new one, adapt "
            "the file (DistributedModel may no longer be needed: keras issue 20585), "
            "run `pytest -m slow tests/keras_alexnet/training`, then put the new "
            f"digest {found} here and raise the bound of Keras in setup.cfg."
        )


def with_state(run, folder, **changes):
    """Copy a run with another state in its newest checkpoint."""
    shutil.copytree(run, folder)
    saved = newest_checkpoint(folder / "checkpoints")
    for name, value in changes.items():
        saved.state[name] = value
    save_checkpoint(folder / "checkpoints", saved, keep=1)
    return folder
