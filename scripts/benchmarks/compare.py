#!/usr/bin/env python
"""Measure ours beside other systems that do the same: step, inference, input, fit.

    python scripts/benchmarks/compare.py step [--json FILE]
    python scripts/benchmarks/compare.py input --data data/imagenette

Each system is a process that stays alive and runs when it is told to, on the same cores
of the CPU, with the same weights and batch. Before that each computes an answer, of
training steps too, that must equal ours: who computes something else is no peer.

Ours is measured before and after every other measurement, and a ratio is over the mean
of the two, so that a machine whose speed wanders does not favour anybody; shown is the
median over the rounds. The peers live in a virtual environment, made on first use (some
5 GB); pip's reason is noted for those that do not install.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np

from keras_alexnet.record import Figure, Record, run_as_script
from scripts.benchmarks import scaling
from scripts.benchmarks.aims import figures_of
from scripts.benchmarks.environment import prepare_environment
from scripts.benchmarks.subjects import CompareOptions, Settings, subjects
from scripts.benchmarks.system import Subject, System
from scripts.benchmarks.system_process import SystemFailure, SystemProcess
from tfrecords.plain_text import say


def measure(options: CompareOptions) -> Record:
    """Compare what was asked for."""
    installed = prepare_environment(options.environment)
    cores = sorted(os.sched_getaffinity(0))[-1 if options.kind == "input" else 0 :]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(options, Path(folder), tuple(cores))
        measured = scaling.figures if options.kind == "scaling" else compared
        figures = list(measured(settings))
    peers = [f"{line} ({why})" if why else line for line, why in installed.items()]
    title, notes = f"{options.kind}, ours beside other systems", ", ".join(peers)
    return Record.now(options.kind, title, figures, [notes], asdict(options))


def compared(settings: Settings) -> Iterator[Figure]:
    """Measure all subjects; yield what each system reached, and of the aims."""
    for subject in subjects(settings):
        say(subject.title, error=True)
        in_turn(subject, settings.folder, settings.options.rounds)
        yield from figures_of(subject)


def in_turn(subject: Subject, folder: Path, rounds: int) -> None:
    """Measure each system so often, and the first, which is ours, before and after it.

    Who computes something else is not measured. What is measured is kept in `subject`.

    Raises:
        SystemFailure: The first fails.
    """
    first, *others = subject.systems
    processes: dict[System, SystemProcess] = {}

    @contextlib.contextmanager
    def noted(system: System) -> Iterator[None]:
        try:
            yield
        except SystemFailure as error:
            say(f"{system.name}: {error}", error=True)
            system.failure = str(error)
            if first.failure is not None:  # without ours nothing is compared
                raise

    if subject.tolerance is not None:
        _compare_answers(subject, folder, noted)
    try:
        for system in [each for each in subject.systems if not each.failure]:
            with noted(system):
                processes[system] = SystemProcess(system, folder, subject.cores)
                processes[system].answer("ready")
                say(f"{system.name}: ready", error=True)
        first.seconds.append(processes[first].run())
        for system in others * rounds:
            if system.failure is None:
                with noted(system):
                    seconds, before = processes[system].run(), first.seconds[-1]
                    with noted(first):
                        first.seconds.append(processes[first].run())
                    first.ratios.append(1.0)
                    system.seconds.append(seconds)
                    system.ratios.append(2 * seconds / (before + first.seconds[-1]))
        for system in [each for each in processes if not each.failure]:
            with contextlib.suppress(SystemFailure):  # it was measured all the same
                system.peak_bytes = processes[system].finish()
    finally:
        for process in processes.values():
            process.kill()


def _compare_answers(subject: Subject, folder: Path, noted: Any) -> None:
    path, expected = folder / "answer.npy", None
    for system in [system for system in subject.systems if system.kind != "limit"]:
        with noted(system):
            asked = replace(system, job={**system.job, "check": str(path)})
            process = SystemProcess(asked, folder, subject.cores)
            process.answer("ready")
            process.kill()
            answer = np.load(path)
            expected = answer if expected is None else expected
            if answer.shape != expected.shape:
                raise SystemFailure(f"answers {answer.shape}, not {expected.shape}")
            largest = np.abs(answer - expected).max() / np.abs(expected).max()
            system.difference = float(largest)
            if not largest <= subject.tolerance:
                raise SystemFailure(f"differs by {largest:.1e}")


if __name__ == "__main__":
    run_as_script(measure)
