import threading
import time

import pytest

from tfrecords.stopwatch import REST, Seconds, phase, stopwatch


@pytest.fixture
def at(monkeypatch):
    """A function that sets both clocks: seconds by the clock, of the processor."""
    now = {"perf_counter": 0.0, "process_time": 0.0}
    for name in now:
        monkeypatch.setattr(time, name, lambda name=name: now[name])
    return lambda clock, processor: now.update(
        perf_counter=clock, process_time=processor
    )


def test_phases_add_up_and_what_is_none_is_the_rest(at):
    with stopwatch() as watch:
        at(1, 0.5)
        with phase("read"):
            at(3, 1)
        at(4, 1)
        with phase("write"):
            at(8, 2)
        with phase("read"):
            at(9, 4)
        at(16, 5)
        watch.end()
    found = {"read": Seconds(3, 2.5), "write": Seconds(4, 1), REST: Seconds(9, 1.5)}
    assert watch.phases == found and list(watch.phases) == list(found)


def test_what_is_counted_elsewhere_is_not_the_rest(at):
    with stopwatch() as watch:
        with phase("read"):
            at(3, 1)
        at(10, 6)
        watch.end(Seconds(5, 4))
    assert watch.spent == Seconds(5, 2) and watch.phases[REST] == Seconds(2, 1)


def test_of_phases_inside_each_other_the_outermost_has_all(at):
    with stopwatch() as watch, phase("statistics"):
        at(1, 1)
        with phase("decode"):
            at(5, 2)
        with stopwatch() as inner, phase("decode"):  # of its own
            at(7, 3)
    assert watch.phases == {"statistics": Seconds(7, 3)}
    assert inner.phases == {"decode": Seconds(2, 1)}


def test_a_phase_that_fails_counts_and_ends(at):
    with stopwatch() as watch:
        with pytest.raises(ValueError, match="bad"), phase("read"):
            at(2, 1)
            raise ValueError("bad")
        with phase("write"):
            at(3, 3)
    assert watch.phases == {"read": Seconds(2, 1), "write": Seconds(1, 2)}


def test_nobody_measures_outside_nor_in_another_thread():
    with phase("read"):
        pass
    with stopwatch() as watch:
        thread = threading.Thread(target=lambda: phase("read").__enter__())
        thread.start()
        thread.join()
    with phase("read"):
        pass
    with stopwatch(measure=False) as idle, phase("read"):
        pass
    assert watch.phases == idle.phases == {}
