import os
import subprocess
import sys

import pytest

from tfrecords import streams

PROGRAM = """
import os, sys
from tfrecords.streams import flush_streams, open_streams
open_streams()
with open(sys.argv[1], "w") as file:
    assert file.fileno() > 2
    print("out " * 50_000, flush=True)
    print("err", file=sys.stderr)
    os.write(2, b"from C")
    file.write("result")
flush_streams()
sys.exit(7)
"""


def result(tmp_path, redirections="", **options):
    path = tmp_path / "file"
    shell = ["sh", "-c", f'exec "$@" {redirections}', "sh"]
    command = [*shell, sys.executable, "-c", PROGRAM, str(path)]
    done = subprocess.Popen(command, **options)
    if done.stdout:
        done.stdout.close()  # a reader that has seen enough
    if done.stderr:
        assert done.stderr.read() in (b"err\nfrom C", b"")
        done.stderr.close()
    assert done.wait() == 7
    assert path.read_text() == "result"


@pytest.mark.parametrize("redirections", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(tmp_path, redirections):
    result(tmp_path, redirections)


def test_a_pipe_that_ends_early_does_no_harm(tmp_path):
    result(tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_streams_that_python_calls_none_are_replaced(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    streams.open_streams()
    print("nowhere", file=sys.stderr)
    assert not sys.stdout.isatty()


def test_silence_is_only_for_a_while(capfd):
    with streams.silent_stderr():
        os.write(2, b"greeting")
    os.write(2, b"error")
    assert capfd.readouterr().err == "error"
