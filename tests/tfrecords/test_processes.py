import os
import signal
from pathlib import Path

import pytest

from tfrecords import DatasetError
from tfrecords.processes import (
    MOST_DEATHS,
    Cancelled,
    ProcessDied,
    available_cores,
    check_processes,
    run_tasks,
    tick,
)


def doubled(number):
    """A task of as many ticks as its number."""
    for _ in range(number):
        tick()
    return 2 * number


def fatal(task):
    """Kill the process until a folder holds so many files; all others are done."""
    folder, most, number = task
    tick()
    if number == 1 and len(list(Path(folder).iterdir())) < most:
        Path(folder, str(os.getpid())).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def ignore(*_):
    pass


def test_one_process_gives_results_in_order_and_counts_ticks():
    ticks = []
    found = run_tasks(doubled, [3, 0, 2], 1, ticks.append)
    assert next(found) == 6 and ticks == [1, 2, 3]
    assert list(found) == [0, 4] and ticks == [1, 2, 3, 4, 5]
    tick()  # outside of a task it does nothing
    assert len(ticks) == 5


def test_a_task_that_is_given_up_is_told_by_its_next_tick():
    def stop(_):
        raise Cancelled

    with pytest.raises(Cancelled):
        list(run_tasks(doubled, [1], 1, stop))
    tick()


def test_no_task_is_no_result():
    assert list(run_tasks(doubled, [], 4, ignore)) == []


@pytest.mark.parametrize("processes", [0, -1])
def test_there_is_at_least_one_process(processes):
    with pytest.raises(DatasetError, match="at least 1 process"):
        check_processes(processes)
    with pytest.raises(DatasetError, match="at least 1 process"):
        next(run_tasks(doubled, [1], processes, ignore))
    check_processes(None)
    assert available_cores() >= 1


@pytest.fixture
def no_tensorflow(tmp_path, monkeypatch):
    """Let new processes find an empty module, whose import takes no seconds."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "tensorflow.py").touch()
    monkeypatch.syspath_prepend(tmp_path / "path")


@pytest.mark.usefixtures("no_tensorflow")
def test_a_process_that_dies_costs_its_task_alone_until_it_dies_too_often(tmp_path):
    once, ever = tmp_path / "once", tmp_path / "ever"
    once.mkdir()
    ever.mkdir()
    died, ticks = [], []
    tasks = [(str(once), 1, number) for number in range(3)]
    found = run_tasks(fatal, tasks, 2, ticks.append, died.append)
    assert sorted(found) == [0, 1, 2]
    assert died == [tasks[1]] and ticks[-1] == 3
    tasks = [(str(ever), 99, 1), (str(ever), 0, 2)]
    with pytest.raises(ProcessDied, match="died 3 times") as caught:
        list(run_tasks(fatal, tasks, 2, ignore))
    assert caught.value.task == tasks[0]
    assert caught.value.ticks == (1,) * MOST_DEATHS
    assert len(list(ever.iterdir())) == MOST_DEATHS
