#!/usr/bin/env python
"""Measure ours beside other systems that do the same: step, inference, input, fit.

    python scripts/benchmark_peers.py step [--json FILE] [--markdown FILE] [--plot FILE]
    python scripts/benchmark_peers.py input --data data/imagenette

The peers live in a virtual environment that is made on first use (some 5 GB); what
does not install here is named with pip's reason. Each contestant is a process that
stays alive and runs when it is told to, on the same cores, with the same weights and
batch. Before that each computes an answer, of training steps too, that must equal
ours: who computes something else is no peer.

Ours is measured before and after every other measurement, and a ratio is over the mean
of the two, so that a machine whose speed wanders does not favour anybody; shown is the
median over the rounds. Beside them is measured what the machine can do at most. All
of it is of CPUs: no GPU is used. `scripts/benchmark_build.py` compares builds.
"""

import json
import os
import shlex
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any, Literal

import tyro
from peers import (
    fit_contest,
    inference_contest,
    input_contest,
    report,
    scaling,
    step_contest,
)
from peers.contest import hold
from peers.environment import prepare_environment
from peers.group import PRECISIONS, Measured, Settings
from peers.process import WorkerError

from keras_alexnet.benchmark.machine import machine
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically

PARTS = {
    "step": step_contest.groups,
    "inference": inference_contest.groups,
    "input": input_contest.groups,
    "fit": fit_contest.groups,
}
_PACKAGES = "keras-alexnet tensorflow keras numpy".split()


@dataclass(frozen=True)
class Options:
    """Measure ours beside other systems that do the same."""

    part: tyro.conf.Positional[
        Literal["step", "inference", "input", "fit", "scaling", "all"]
    ]
    """What to measure."""
    data: Path | None = None
    """Dataset folder with 256 x 256 JPEGs; input and fit need one."""
    precisions: tuple[Literal["float32", "mixed_bfloat16"], ...] = ("float32",)
    """Of step, inference and fit, one after the other."""
    batch_sizes: tuple[int, ...] | None = None
    """Images in a call; None: 128 for step and input, 1 and 64 for inference, 64 for
    fit."""
    rounds: int = 5
    """Measurements of each."""
    seconds: float = 1.0
    """Least duration of a measurement of step and inference."""
    pictures: int = 2048
    """Pictures of input, and of scaling's smallest build."""
    steps: int = 20
    """Training steps of a measurement of fit."""
    only: tuple[str, ...] | None = None
    """Names of the contestants to take, as tables have them; None: all."""
    cores: int | None = None
    """Processor cores to use; None: all, and one for input."""
    classes: int = 1000
    """Outputs of the network of step, inference and scaling."""
    input_size: int = 224
    """Side of its pictures in pixels."""
    units: int = 4096
    """Units of its fc6 and fc7."""
    environment: Path = Path("build/peers")
    """Folder of the peers' virtual environment; made on first use."""
    scratch: Path | None = None
    """Folder for weights and pictures, up to 2 GB; None: a temporary one."""
    json: Path | None = None
    """Write every figure to this file."""
    markdown: Path | None = None
    """Write the tables to this file."""
    plot: Path | None = None
    """Draw the speeds into this PNG file."""


def main(options: Options) -> int:
    """Measure, print the tables and write the files that were asked for."""
    try:
        measured, points, document = benchmark(options)
    except (DatasetError, WorkerError, RuntimeError, OSError) as error:
        print(f"benchmark_peers: {error}", file=sys.stderr)
        return 1
    report.print_tables(measured, points)
    if options.json:
        text = json.dumps(document, indent=1) + "\n"
        write_atomically(options.json, text.encode())
    if options.markdown:
        text = report.markdown(document["command"], measured, points)
        write_atomically(options.markdown, text.encode())
    if options.plot and measured:
        write_atomically(options.plot, report.plot(measured))
    return 0


def benchmark(
    options: Options,
) -> tuple[list[Measured], list[scaling.Point], dict[str, Any]]:
    """Measure the parts; return groups, points and what --json writes."""
    if options.rounds < 1:
        raise DatasetError(f"Expected at least one round, got {options.rounds}.")
    environment = prepare_environment(options.environment, say)
    measured: list[Measured] = []
    points: list[scaling.Point] = []
    parts = [*PARTS, "scaling"] if options.part == "all" else [options.part]
    for part in parts:
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            settings = settings_of(options, part, environment, Path(folder))
            if part == "scaling":
                points += scaling.points(settings, say)
            else:
                measured += contests(part, settings)
    document = {
        "command": _command(),
        "machine": machine(),
        "versions": {name: metadata.version(name) for name in _PACKAGES},
        "peers": environment.versions,
        "not_installed": environment.failures,
        **report.document_of(measured, points),
    }
    return measured, points, document


def contests(part: str, settings: Settings) -> list[Measured]:
    """Measure every group of a part."""
    measured = []
    for whole in PARTS[part](settings):
        group = whole.taking(settings.names)
        say(group.title)
        results = hold(
            group.contestants,
            settings.folder,
            rounds=settings.rounds,
            cores=settings.cores,
            tolerance=group.tolerance,
            say=say,
        )
        measured.append(Measured(group, results))
        for result in results:
            if result.seconds:
                say(f"{result.name}: {1000 * median(result.seconds):.1f} ms")
    return measured


def settings_of(options: Options, part: str, environment, folder: Path) -> Settings:
    """Return what the parts are told."""
    available = sorted(os.sched_getaffinity(0))
    count = options.cores or (1 if part == "input" else len(available))
    if count > len(available):
        raise DatasetError(f"Expected at most {len(available)} cores, got {count}.")
    return Settings(
        environment=environment,
        folder=folder,
        cores=tuple(available[-count:]),
        rounds=options.rounds,
        seconds=options.seconds,
        precisions=tuple(p for p in PRECISIONS if p in options.precisions),
        batch_sizes=options.batch_sizes,
        network={
            "classes": options.classes,
            "side": options.input_size,
            "overrides": {"units": options.units},
        },
        data=options.data,
        pictures=options.pictures,
        steps=options.steps,
        names=options.only,
    )


def _command() -> str:
    # Paths say nothing to a reader elsewhere, so only their last parts are kept.
    words = [Path(word).name if "/" in word else word for word in sys.argv]
    return shlex.join(["python", f"scripts/{words[0]}", *words[1:]])


def say(text: str) -> None:
    """Print a line on the progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    # As Ctrl-C does: workers are ended, what was written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    raise SystemExit(main(tyro.cli(Options, description=__doc__)))
