import pytest

from keras_alexnet.benchmark import operations
from keras_alexnet.benchmark.operations import Work, median_ratio, seconds_in_turn
from keras_alexnet.presets import find_preset

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


def test_ratio_is_of_neighbours():
    assert median_ratio([2.0, 30.0, 8.0], [1.0, 10.0, 2.0]) == pytest.approx(3.0)
