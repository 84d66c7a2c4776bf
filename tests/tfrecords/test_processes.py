import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

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


TASKS = """
from tfrecords.processes import run_tasks
{guard}
    print(list(run_tasks(abs, [-1, -1], 2, abs)))
"""
DEATH = """
import os
if __name__ == "__mp_main__":  # as it is imported
    os._exit(1)
"""
BUILD = """
import tfrecords
options = dict(size=8, shards=2, processes=2, progress=False)
tfrecords.build({tree!r}, {out!r}, **options)
"""


def start(script, text):
    """Run a program of this text; return its status, and what it says on each end."""
    script.write_text(text)
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout, done.stderr


def assert_names_guard(error, script):
    line = error.splitlines()[-1]
    assert f"UserError: Each worker process imports {script}" in line
    assert 'below a line `if __name__ == "__main__":`' in line


@pytest.mark.usefixtures("no_tensorflow")
def test_a_script_without_a_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    status, _, error = start(script, TASKS.format(guard="if True:"))
    assert status == 1
    assert_names_guard(error, script)
    guarded = TASKS.format(guard='if __name__ == "__main__":')
    status, shown, error = start(script, guarded)
    assert (status, shown) == (0, "[1, 1]\n"), error
    status, _, error = start(script, DEATH + guarded)
    assert status == 1 and "died 3 times over the same task" in error


@pytest.mark.usefixtures("no_tensorflow")
def test_a_build_of_a_script_without_a_guard_is_told_so(tmp_path):
    """There the folder is in use by the build that started the processes."""
    for label in ("a", "b"):
        (tmp_path / "tree" / "train" / label).mkdir(parents=True)
        for number in range(2):
            path = tmp_path / "tree" / "train" / label / f"{number}.png"
            Image.new("RGB", (8, 8), (number, 0, 0)).save(path)
    places = {"tree": str(tmp_path / "tree"), "out": str(tmp_path / "data")}
    status, _, error = start(tmp_path / "script.py", BUILD.format(**places))
    assert status == 1
    assert_names_guard(error, tmp_path / "script.py")
