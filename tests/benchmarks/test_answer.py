import numpy as np
import pytest

from scripts.benchmarks import answer
from scripts.benchmarks.answer import Task


def test_a_run_is_as_long_as_it_was_asked_to_be():
    now = iter(range(100))
    task = Task(lambda: None, clock=lambda: next(now))  # each call takes a second
    assert task.calls_of(7.5) == 8
    assert task.seconds(calls=4) == 1 / 4


def test_a_stream_starts_anew_for_each_run_and_ends_after_it():
    started = []

    class Batches:
        def __iter__(self):
            started.append(1)
            return iter(range(3))

    task = answer.stream_task(Batches(), {"calls": 2})
    task.seconds(task.calls)
    assert len(started) == 1
    task.before()
    assert [task.work() for _ in range(4)] == [1, 2, 0, 1]  # without an end
    task.after()
    with pytest.raises(IndexError):
        task.work()  # no stream is left to decode while others are timed


def test_weights_for_maps_that_come_first_give_the_same(tmp_path):
    draw = np.random.default_rng(0).normal
    weights = {"conv5/kernel": draw(size=(3, 3, 2, 5)), "fc6/bias": draw(size=7)}
    weights["fc6/kernel"] = draw(size=(2 * 2 * 5, 7))
    np.savez(tmp_path / "weights.npz", **weights)
    found = answer.channels_first(tmp_path / "weights.npz")
    maps = draw(size=(4, 2, 2, 5))
    expected = maps.reshape(4, -1) @ weights["fc6/kernel"]
    moved = np.moveaxis(maps, -1, 1).reshape(4, -1) @ found["fc6/kernel"].T
    np.testing.assert_allclose(moved, expected)
    assert found["conv5/kernel"].shape == (5, 2, 3, 3)
    assert found["conv5/kernel"][4, 1, 2, 0] == weights["conv5/kernel"][2, 0, 1, 4]


GRAPH = """Graph execution error:

Detected at node conv5/Conv2D defined at (most recent call last):
  File "some.py", line 5, in <module>

  File "other.py", line 57, in call

OOM when allocating tensor with shape[128,96]
\t [[{{node conv5/Conv2D}}]]
Hint: If you want to see a list of allocated tensors
"""


def test_an_error_is_told_in_one_line_with_what_happened():
    assert answer.error_line(ValueError("no\nmore")) == "ValueError: no"
    told = "RuntimeError: Graph execution error: OOM when allocating tensor with shape"
    assert answer.error_line(RuntimeError(GRAPH)) == f"{told}[128,96]"
    assert answer.error_line(KeyError()) == "KeyError"


def test_labels_go_through_the_classes():
    labels = answer.task_labels({"batch_size": 5, "classes": 3})
    assert labels.tolist() == [0, 1, 2, 0, 1] and labels.dtype == np.int64
