import numpy as np
import pytest

from scripts.benchmarks import answer
from scripts.benchmarks.answer import Task


def test_a_run_is_as_long_as_it_was_asked_to_be(monkeypatch):
    now = iter(range(100))
    task = Task(lambda: None, clock=lambda: next(now))  # each call takes a second
    assert answer.calls_of(task, seconds=7.5) == 8
    assert answer.seconds_of_call(task, calls=4) == 1 / 4


def test_a_stream_starts_anew_for_each_run_and_ends_after_it():
    started, clock = [], iter(range(100))

    def batches():
        started.append(1)
        yield from range(100)

    class Batches:
        __iter__ = staticmethod(batches)

    task = answer.stream_task(Batches(), {"calls": 3}, kind="fake")
    object.__setattr__(task, "clock", lambda: next(clock))
    assert task.facts == {"kind": "fake"} and task.calls == 3
    assert [answer.seconds_of_call(task, 3) for _ in range(2)] == [1 / 3, 1 / 3]
    assert len(started) == 2
    with pytest.raises(IndexError):
        task.work()  # no stream is left to decode while others are timed


def test_all_systems_have_the_same_noise():
    job = {"batch_size": 5, "side": 8, "classes": 3}
    images = answer.noise(job)
    assert images.shape == (5, 8, 8, 3) and images.dtype == np.float32
    assert images.std() == pytest.approx(60, rel=0.1)
    np.testing.assert_array_equal(answer.labels(job), [0, 1, 2, 0, 1])


def test_an_error_is_one_line():
    assert answer.reason(ValueError("no kernel\nat all")) == "ValueError: no kernel"
    assert answer.reason(MemoryError()) == "MemoryError: no message"
