"""What a forked program finds is what one of `python -c` would, but for the seconds."""

import signal

import pytest

from tests.tools import fork_server

FOUND = """
import os, sys
from tensorflow.python.eager import context
ours = {name.split(".")[0] for name in sys.modules} & {"keras_alexnet", "tfrecords"}
threads = len(os.listdir("/proc/self/task"))
print(__name__, sys.argv, os.environ["TOLD"], threads, ours, "keras" in sys.modules)
print(context.context()._context_handle, file=sys.stderr)
"""
ADDED = """
import tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
parts = [tf.config.LogicalDeviceConfiguration()] * {count}
tf.config.set_logical_device_configuration(cpu, parts)
print(tf.add(1, 2).numpy(), len(tf.config.list_logical_devices("CPU")))
"""


def test_nothing_has_been_started_or_imported_but_keras(monkeypatch, tmp_path):
    monkeypatch.setenv("TOLD", "now")
    done = fork_server.run(FOUND, tmp_path, 2)
    words = ["-c", str(tmp_path), "2"]
    assert done.stdout == f"__main__ {words} now 1 set() True\n"
    assert done.stderr == "None\n" and done.returncode == 0


@pytest.mark.parametrize("count", [3, 2])
def test_each_program_chooses_its_devices(count):
    done = fork_server.run(ADDED.format(count=count))
    assert done.stdout == f"3 {count}\n", done.stderr


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [
        ("raise SystemExit(7)", 7, ""),
        ("import os, signal; os.kill(os.getpid(), 9)", -signal.SIGKILL, ""),
        ("print(1 / 0)", 1, "ZeroDivisionError: division by zero\n"),
    ],
)
def test_the_end_of_a_program_is_told(code, status, said):
    done = fork_server.run(code)
    assert done.returncode == status and done.stderr.endswith(said)
