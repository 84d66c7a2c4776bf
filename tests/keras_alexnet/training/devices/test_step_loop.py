import signal

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.devices.step_loop import StepLoop
from keras_alexnet.training.state.checkpoint import list_checkpoints, newest_checkpoint
from keras_alexnet.training.state.stopping import Interrupted
from tests import small
from tests.keras_alexnet.training.conftest import assert_same_end, interrupt, send
from tfrecords.errors import UserError


class Sequence:
    """The batches 0, 1, 2, ... and the steps that were taken on them, in order."""

    def __init__(self, count=100):
        self.batches = iter(tf.data.Dataset.range(count))
        self.variable = tf.Variable(np.zeros(0, np.int64), shape=[None])

    def step(self, batch):
        self.variable.assign(tf.concat([self.variable, [batch]], 0))
        return {"last": batch}

    @property
    def taken(self):
        return self.variable.numpy().tolist()


def test_steps_are_taken_in_groups_and_in_order():
    sequence = Sequence()
    loop = StepLoop(sequence.step, 3, lambda: False)
    seen = []
    for _ in range(7):
        logs = loop(sequence.batches)
        seen.append((loop.pending, len(sequence.taken), logs and int(logs["last"])))
    first, second = ((1, 0, {}), (2, 0, {}), (0, 3, 2)), ((1, 3, 2), (2, 3, 2))
    assert seen == [*first, *second, (0, 6, 5), (1, 6, 5)]
    assert sequence.taken == [*range(6)]


def test_a_group_ends_where_it_has_to():
    sequence = Sequence()
    ends = iter([False, True, True, False, False, False])
    loop = StepLoop(sequence.step, 4, lambda: next(ends))
    seen = []
    for _ in range(7):
        loop(sequence.batches)
        seen.append((loop.pending, len(sequence.taken)))
    assert seen == [(1, 0), (0, 2), (0, 3), (1, 3), (2, 3), (3, 3), (0, 7)]


@pytest.mark.parametrize("size", [1, 4])
def test_it_counts_from_before_to_after_a_batch(monkeypatch, size):
    clock = tf.Variable(0.0, dtype=tf.float64)
    monkeypatch.setattr(tf, "timestamp", lambda: tf.identity(clock.assign_add(2.5)))
    sequence = Sequence()
    loop = StepLoop(sequence.step, size, lambda: False)
    for _ in range(8):
        loop(sequence.batches)
    assert loop.waited == 8 * 2.5


def test_the_end_of_the_data_is_an_error_and_no_step():
    sequence = Sequence(0)
    with pytest.raises(tf.errors.OutOfRangeError):
        StepLoop(sequence.step, 1, lambda: False)(sequence.batches)
    assert sequence.taken == []


@pytest.mark.parametrize("size", [3, 64])
def test_a_run_in_groups_is_that_of_single_steps(run, dataset, tmp_path, size):
    """An epoch has 4 steps: a group ends before the epoch, or with it."""
    part = tmp_path / "part"
    small.train(dataset, part, steps_per_execution=size)
    assert_same_end(run, part)


def test_checkpoints_lie_where_they_are_asked_for(run, dataset, tmp_path):
    part = tmp_path / "part"
    small.train(dataset, part, epochs=1, steps_per_execution=4, save_every=3, keep=9)
    saved = [path.name for path in list_checkpoints(part / "checkpoints")]
    assert saved == ["epoch-0000-step-000003.npz", "epoch-0001.npz"]
    (part / "checkpoints" / saved[1]).unlink()
    small.resume(part, epochs=2)
    assert_same_end(run, part)


def test_a_signal_saves_at_the_end_of_a_group(run, dataset, tmp_path, monkeypatch):
    part = tmp_path / "part"
    with monkeypatch.context() as patch:
        interrupt(patch, "on_train_batch_begin", 0, 2, lambda: send(signal.SIGINT))
        with pytest.raises(Interrupted):
            small.train(dataset, part, steps_per_execution=3)
    saved = newest_checkpoint(part / "checkpoints")
    assert (saved.epoch, saved.step) == (0, 3)
    small.resume(part)
    assert_same_end(run, part)


def test_groups_are_refused_under_a_strategy_at_once(dataset, tmp_path):
    plan = DevicePlan(tf.distribute.OneDeviceStrategy("CPU:0"))
    run = tmp_path / "run"
    with pytest.raises(UserError, match="one step an execution.*got 2"):
        small.train(dataset, run, plan=plan, steps_per_execution=2)
    assert not run.exists()
