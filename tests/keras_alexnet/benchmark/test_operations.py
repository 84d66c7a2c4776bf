import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.benchmark import operations
from keras_alexnet.benchmark.operations import (
    Work,
    mean_seconds,
    median_ratio,
    repeated,
    seconds_in_turn,
)
from keras_alexnet.presets import find_preset
from tests.reference import rounding_bound

RELEASED = find_preset("released")


def test_operations_are_those_of_the_layer_table():
    assert operations.forward_operations(RELEASED, 1000) == 2 * 724_406_816
    expected = 2 * (3 * 724_406_816 - 105_415_200)
    assert operations.step_operations(RELEASED, 1000) == expected


def test_works_take_turns_after_a_warm_up():
    told, clock = [], iter(range(100))

    def work(name):
        return Work(lambda: told.append(name), clock=lambda: next(clock)).seconds

    found = seconds_in_turn({name: work(name) for name in "ab"}, 2, "test")
    assert "".join(told) == "ab" + "abab"
    assert found == {"a": [1, 1], "b": [1, 1]}
    seconds_in_turn({"c": work("c")}, 1, "test", warm_up=False)
    assert told[-2:] == ["b", "c"]


def test_what_is_before_and_after_is_not_timed():
    now = [0.0]

    def passing(seconds):
        return lambda: now.__setitem__(0, now[0] + seconds)

    work = Work(passing(1.0), passing(20.0), passing(300.0), lambda: now[0])
    assert (work.seconds(), now[0]) == (1.0, 321.0)


class Scalar:
    """What stands for a number on a device: it notes when it is read."""

    def __init__(self, value, read):
        self.value, self.read = value, read

    def __float__(self):
        self.read.append(self.value)
        return self.value


def test_a_repeated_work_is_read_once_after_the_last():
    launched, read = iter(range(100)), []
    call = repeated(lambda: Scalar(float(next(launched)), read))
    assert [call(), call(3), call(1)] == [0.0, 3.0, 4.0]
    assert read == [0.0, 3.0, 4.0]


@pytest.mark.parametrize(
    ("each", "once", "times"), [(1 / 1024, 0.0625, 256), (0.25, 0.125, 1)]
)
def test_so_many_are_timed_together_that_a_read_counts_little(each, once, times):
    now, told = [0.0], []

    def call(times=1):
        told.append(times)
        now[0] += once + times * each

    measured = mean_seconds(call, lambda: now[0])
    assert measured() == each + once / times
    # Warmed up, then twice as many until 0.2 s are reached, then as many as that.
    doubled = [2**n for n in range(times.bit_length())]
    assert told == [1, *doubled, times]


def test_a_matrix_product_is_computed_as_often_as_it_is_told(monkeypatch):
    monkeypatch.setattr(operations, "MATRIX_SIDE", 8)
    rows, columns = (
        tf.random.stateless_normal((8, 8), (0, seed)).numpy() for seed in (1, 2)
    )
    found = operations.matrix_product("float32")(2)
    expected = np.float64(rows[0]) @ columns[:, 0]
    assert abs(found - expected) < rounding_bound("float32", 8) * np.abs(
        rows[0]
    ) @ np.abs(columns[:, 0])


def test_ratio_is_of_neighbours():
    assert median_ratio([2.0, 30.0, 8.0], [1.0, 10.0, 2.0]) == pytest.approx(3.0)
