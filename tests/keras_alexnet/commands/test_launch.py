"""`alexnet launch` itself; what it does with workers is in ../launch/."""

import json
import signal
import subprocess
import sys

import pytest

from keras_alexnet import cli
from keras_alexnet.commands import launch
from keras_alexnet.launch.group import WorkerGroup


@pytest.fixture
def started(monkeypatch):
    """The groups that would run, with the arguments of their workers."""
    groups = []

    def run(self, arguments, restarts):
        handler = signal.getsignal(signal.SIGTERM)
        handler(signal.SIGTERM, None)
        groups.append((self, arguments, restarts))
        return 7

    monkeypatch.setattr(WorkerGroup, "run", run)
    return groups


def test_options_stand_before_two_dashes_and_the_workers_after(started):
    command = ["launch", "2", "--grace", "3", "--program", "python 'my file'", "--"]
    assert (
        cli.main([*command, "train", "d", "r", "--grace=9", "--debug", "--", "x"]) == 7
    )
    ((group, arguments, restarts),) = started
    assert arguments == ["train", "d", "r", "--grace=9", "--debug", "--", "x"]
    assert (group.count, group.grace, restarts) == (2, 3.0, 0)
    assert group.program == ["python", "my file"]


def test_signals_are_noted_while_workers_run_and_no_longer(started):
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    launch.main(["1", "--", "train"])
    assert started[0][0].signals == [signal.SIGTERM]
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


def test_a_command_without_two_dashes_is_refused(started, capsys):
    assert cli.main(["launch", "2", "train"]) == 2
    assert "-- train DATA RUN" in capsys.readouterr().err and not started


@pytest.mark.parametrize(
    "option", ["--restarts=-1", "--grace=nan", "--start-timeout=0"]
)
def test_numbers_out_of_range_are_one_line(option, tmp_path, capsys):
    logs = tmp_path / "logs"
    assert cli.main(["launch", "2", "--logs", str(logs), option, "--", "train"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("alexnet launch: Expected ") and not logs.exists()


def test_neither_tensorflow_nor_keras_is_imported(tmp_path):
    code = (
        "import json, sys; from keras_alexnet import cli\n"
        "status = cli.main(['launch', '1', '--program', 'true', '--logs', sys.argv[1],"
        " '--', 'train'])\n"
        "print(json.dumps([status, *({'tensorflow', 'keras'} & {*sys.modules})]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "logs"], capture_output=True, text=True
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [0], done.stderr
