#!/usr/bin/env python
"""Count what processes read of a dataset in an epoch, and until their first batch.

    python scripts/benchmarks/reading.py DATA --json results/input/reading.json
    python scripts/benchmarks/reading.py DATA --tree CHECKOUT

Each process reads its rows of every batch as in training, alone on the machine: what it
reads is what it asks the system for, whether that comes from a disk or from memory.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from tfrecords import Manifest
from tfrecords.errors import UserError

# What a process does; it knows no more of the code than releases before it had.
READER = """
import json, sys, time
from pathlib import Path
job = json.loads(sys.argv[1])
from keras_alexnet.data import BatchRows, training_batches

def bytes_read():
    lines = dict(line.split(": ") for line in open("/proc/self/io"))
    return int(lines["rchar"])

import tensorflow as tf
tf.data.Dataset.range(1).as_numpy_iterator().next()
begun, before = time.perf_counter(), bytes_read()
rows = BatchRows(job["process"], job["processes"], job["processes"])
batches = iter(training_batches(job["data"], rows=rows, epochs=1, **job["options"]))
next(batches)
first = {"first_seconds": time.perf_counter() - begun}
first["first_bytes"] = bytes_read() - before
for _ in range(job["steps"] - 1):
    next(batches)
status = dict(line.split(":") for line in open("/proc/self/status"))
peak = int(status["VmHWM"].split()[0]) * 1024
print(json.dumps({**first, "bytes": bytes_read() - before, "peak": peak}))
"""


@dataclass(frozen=True)
class ReadingOptions(MeasureOptions):
    """Count what processes read of the training split of a dataset."""

    data: tyro.conf.Positional[Path]  # dataset folder
    processes: tuple[int, ...] = (1, 2, 4)
    batch_size: int = 128
    input_size: int = 131
    read_run: int | None = None  # neighbours read together; None: not asked for
    first_step: int | None = None  # batches to leave out; None: begins an epoch
    tree: Path | None = None  # checkout whose code reads; None: this one


def measure(options: ReadingOptions) -> Record:
    """Return bytes of each process, over its share of the split; time; memory.

    Raises:
        UserError: A process failed.
    """
    split = Manifest.load(options.data).splits["train"]
    size, count = (
        sum(getattr(s, kind) for s in split) for kind in ("bytes", "records")
    )
    steps = count // options.batch_size - (options.first_step or 0)
    figures: list[Figure] = []
    for processes in options.processes:
        for process in range(processes):
            found = _read(options, process, processes, steps)
            share = size / count * steps * options.batch_size / processes
            figures += _figures(f"process {process + 1} of {processes}", found, share)
    said = asdict(options) | {"data": str(options.data)}
    said["tree"] = None if options.tree is None else str(options.tree)
    title = f"What is read of {count:,} records, {size / 1e6:,.1f} MB"
    return Record.now("input", title, figures, (), said)


def _figures(name: str, found: dict[str, Any], share: float) -> Iterator[Figure]:
    beside = f"{found['bytes'] / share:.3f} of its part of what is shown"
    yield Figure(f"{name}: read", found["bytes"] / 1e6, "MB", beside)
    before = found["first_bytes"] / 1e6
    yield Figure(f"{name}: read until the first batch", before, "MB")
    yield Figure(f"{name}: first batch after", found["first_seconds"], "s")
    yield Figure(f"{name}: peak memory", found["peak"] / 1e6, "MB")


def _read(
    options: ReadingOptions, process: int, processes: int, steps: int
) -> dict[str, Any]:
    asked = {"read_run": options.read_run, "first_step": options.first_step}
    sizes = {"batch_size": options.batch_size, "input_size": options.input_size}
    job = {
        **{"data": str(options.data.absolute()), "steps": steps},
        **{"process": process, "processes": processes},
        "options": sizes | {name: n for name, n in asked.items() if n is not None},
    }
    tree = options.tree or Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", READER, json.dumps(job)],
        cwd=tree,  # which Python looks through first
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        raise UserError(f"A process that reads {options.data} failed: {last}")
    return json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    run_as_script(measure)
