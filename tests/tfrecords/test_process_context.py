import multiprocessing
import os
import subprocess
import sys

import pytest

from tfrecords.process_context import worker_context

linux = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux only")


def look(connection):
    """What a worker begins with."""
    server = len(os.listdir(f"/proc/{os.getppid()}/task"))
    connection.send(("tensorflow" in sys.modules, server))


CODE = """
import multiprocessing, os
os.environ["OMP_NUM_THREADS"] = "3"
from tests.tfrecords.test_process_context import look
from tfrecords.process_context import worker_context
context = worker_context()
assert os.environ["OMP_NUM_THREADS"] == "3"
assert "CUDA_VISIBLE_DEVICES" not in os.environ
here, there = context.Pipe()
process = context.Process(target=look, args=(there,))
process.start()
print(here.recv())
process.join()
"""


@linux
def test_workers_have_tensorflow_from_a_server_of_one_thread():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("CUDA_VISIBLE_DEVICES", None)
    done = subprocess.run(
        [sys.executable, "-c", CODE], env=environment, capture_output=True, text=True
    )
    assert done.stdout == "(True, 1)\n", done.stderr
    assert done.stderr == ""


def test_elsewhere_processes_are_spawned(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert worker_context().get_start_method() == "spawn"
    assert isinstance(worker_context(), multiprocessing.context.SpawnContext)


HERE = """
import os, sys
from tfrecords.process_context import tensorflow_here
tensorflow_here()
assert "tensorflow" in sys.modules
print(os.environ.pop("TF_FORCE_GPU_ALLOW_GROWTH"))
tensorflow_here()
print(os.environ.get("TF_FORCE_GPU_ALLOW_GROWTH"))
"""


def test_tensorflow_here_says_nothing_and_leaves_what_was_imported_before_alone():
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("TF_FORCE_GPU_ALLOW_GROWTH", None)
    done = subprocess.run(
        [sys.executable, "-c", HERE], env=environment, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("true\nNone\n", "")
