"""Programs in processes of their own that need not import TensorFlow and Keras again.

They are forked from one that has imported both and started neither: importing takes
seconds of a processor. What a process chooses only once, as its devices and strategy,
each of them chooses for itself.
"""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tensorflow"])  # which imports Keras


def run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run code as `python -c` would; return its status, and what it printed.

    TensorFlow and Keras alone are imported before, unless what runs now was started as
    a module of ours. Environment and arguments are those of now.
    """
    with tempfile.TemporaryDirectory() as folder:
        printed = [Path(folder, name) for name in ("stdout", "stderr")]
        for path in printed:
            path.touch()
        words = ["-c", *map(str, arguments)]
        program = (code, words, dict(os.environ), printed)
        process = CONTEXT.Process(target=_run_program, args=program)
        start(process)
        process.join()
        said = [path.read_text() for path in printed]
    return subprocess.CompletedProcess(words, process.exitcode, *said)


def start(process: multiprocessing.Process) -> None:
    """Start a process of `CONTEXT`."""
    # The first one starts the server: NumPy's threads would be lost in a fork.
    with mock.patch.dict(os.environ, OMP_NUM_THREADS="1"):
        process.start()


def _run_program(code, words, environment, printed):
    for number, path in enumerate(printed, start=1):
        os.dup2(os.open(path, os.O_WRONLY), number)
    # Or it would wait for locks that threads held which are not here.
    assert len(os.listdir(f"/proc/{os.getppid()}/task")) == 1
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = words
    exec(code, {"__name__": "__main__"})
