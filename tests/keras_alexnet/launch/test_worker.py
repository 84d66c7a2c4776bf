"""One worker: its place among the others, what it says and how it ends."""

import json
import subprocess
import sys

import pytest

# In a process of its own, because one of many threads is better not forked: the chief
# ends well, 1 with a status, 2 by a signal.
CODE = """
import json, signal, sys
from pathlib import Path
from keras_alexnet.launch.worker import WorkerProcess
SAY = "import os; print(os.environ['TF_CONFIG'], os.environ['CUDA_VISIBLE_DEVICES'])"
ENDS = ["", "print(*range(40), sep=os.linesep); exit(3)",
        "import signal; print('2 has joined', flush=True); signal.pause()"]
addresses, found = [f"host:{number}" for number in range(3)], []
for number, end in enumerate(ENDS):
    log = Path(sys.argv[1]) / f"{number}.log"
    log.write_text("of an earlier start: 9 has joined\\n")
    command = [sys.executable, "-c", f"{SAY}; {end}"]
    worker = WorkerProcess.start(command, number, addresses, log, gpus=str(number))
    if number == 2:
        while not worker.joined:
            assert worker.status is None
        worker.send(signal.SIGTERM)
    worker.wait()
    worker.send(signal.SIGTERM)  # to nobody
    found.append([worker.status, worker.joined, worker.last_lines()])
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What was printed, what each came to, and the folder of the logs."""
    folder = tmp_path_factory.mktemp("logs")
    done = subprocess.run(
        [sys.executable, "-c", CODE, folder], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    *printed, found = done.stdout.splitlines()
    return printed, json.loads(found), folder


def test_the_status_is_that_of_the_process_or_of_its_signal(said):
    assert [status for status, _, _ in said[1]] == [0, 3, 128 + 15]


def test_who_has_joined_is_told_from_who_had_in_an_earlier_start(said):
    assert [joined for _, joined, _ in said[1]] == [False, False, True]


def test_each_is_told_its_place_and_its_gpus(said):
    for number in (0, 2):
        config, gpus = said[1][number][2][0].rsplit(" ", 1)
        assert json.loads(config) == {
            "cluster": {"worker": ["host:0", "host:1", "host:2"]},
            "task": {"type": "worker", "index": number},
        }
        assert gpus == str(number)


def test_the_chief_alone_is_printed_and_all_are_appended_to_their_logs(said):
    printed, found, folder = said
    assert printed == found[0][2]
    for number in range(3):
        lines = (folder / f"{number}.log").read_text().splitlines()
        assert lines[0].startswith("of an earlier start") and len(lines) > 1


def test_the_last_lines_are_few_and_of_this_start(said):
    assert said[1][1][2] == [str(number) for number in range(25, 40)]
    assert len(said[1][0][2]) == 1
