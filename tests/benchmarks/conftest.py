import subprocess
import sys
from pathlib import Path

import pytest

from keras_alexnet.record import Record
from scripts.benchmarks.subjects import CompareOptions, Settings
from scripts.benchmarks.system import Subject, System
from tests import small

OURS = Path(sys.executable)

# A system whose clock says what its job tells: `costs` of one call after the other.
FAKE = """
import os
import numpy as np
from scripts.benchmarks.answer import Task, serve

now = 0.0

def prepare(job):
    if "broken" in job:
        raise ValueError(job["broken"])
    if "silent" in job:
        os.read(0, 1)
    costs = iter(job["costs"])
    def work():
        global now
        now += next(costs)
    print("noise on stdout")
    return Task(work, calls=1, clock=lambda: now)

serve(prepare, lambda job: np.array(job["answer"]))
"""


@pytest.fixture
def fake(tmp_path):
    """Make systems that take the time that they are told to."""
    program = tmp_path / "fake.py"
    program.write_text(FAKE)

    def make(name, costs=(), kind="peer", answer=(1.0, 2.0), **fields):
        job = {"costs": list(costs), "answer": list(answer), **fields}
        return System(name, OURS, str(program), job, kind, amount=10.0)

    return make


def measured(name, ratio=1.0, kind="peer", amount=64.0, **fields):
    """A system that was measured."""
    job = (OURS, "program", {})
    return System(name, *job, kind, amount, seconds=[0.5], ratios=[ratio], **fields)


def subject(kind, *systems, precision="float32", batch=128, cores=(0,), demands=()):
    return Subject(kind, precision, batch, [*systems], cores, dict(demands))


@pytest.fixture
def settings(tmp_path):
    """Make settings of small networks, without peers."""

    def make(kind="step", **fields):
        sizes = {"input_size": small.INPUT, "units": 16, "pictures": 12}
        options = CompareOptions(kind, **{**sizes, "seconds": 0.01, **fields})
        return Settings(options, tmp_path, (0,))

    return make


@pytest.fixture
def run_script(tmp_path):
    """Run a script as a person does; return the record that it writes."""

    def run(module, *options):
        path = tmp_path / "record.json"
        command = [sys.executable, module.__file__, *options, "--json", path]
        subprocess.run([str(word) for word in command], check=True, timeout=3000)
        assert str(tmp_path) not in path.read_text()
        return Record.load(path)

    return run
