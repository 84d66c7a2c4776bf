#!/usr/bin/env python
"""Measure ours beside other systems that do the same: step, inference, input, fit.

    python scripts/benchmarks/compare.py step [--json FILE]
    python scripts/benchmarks/compare.py input --data data/imagenette

The peers live in a virtual environment that is made on first use (some 5 GB); what
does not install here is named with pip's reason. Each system is a process that stays
alive and runs when it is told to, on the same cores, with the same weights and batch.
Before that each computes an answer, of training steps too, that must equal ours: who
computes something else is no peer.

Ours is measured before and after every other measurement, and a ratio is over the mean
of the two, so that a machine whose speed wanders does not favour anybody; shown is the
median over the rounds. Beside them is measured what the machine can do at most. All
of it is of CPUs: no GPU is used. `scripts/benchmarks/build.py` compares builds.
"""

import contextlib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np

from keras_alexnet.record import Figure, Record, run_as_script
from scripts.benchmarks import scaling
from scripts.benchmarks.aims import AIMS
from scripts.benchmarks.environment import prepare_environment
from scripts.benchmarks.subjects import (
    MATRIX,
    MEMORY,
    SYSTEMS,
    CompareOptions,
    Settings,
    subjects,
)
from scripts.benchmarks.system import Result, Subject, System
from scripts.benchmarks.system_process import SystemFailure, SystemProcess
from tfrecords.errors import UserError

# Of the limits that are not in images.
UNITS = {MATRIX: ("GFLOP/s", 1e9), MEMORY: ("GB/s", 1e9)}


def measure(options: CompareOptions) -> Record:
    """Compare what was asked for.

    Raises:
        UserError: An option is wrong, or a dataset is missing.
        SystemFailure: Ours fails.
    """
    options.check_counts("rounds")
    environment = prepare_environment(options.environment, say)
    figures: list[Figure] = []
    kinds = [*SYSTEMS, "scaling"] if options.kind == "all" else [options.kind]
    for kind in kinds:
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            cores = cores_of(options, kind)
            settings = Settings(options, environment, Path(folder), cores)
            if kind == "scaling":
                figures += scaling.figures(settings, say)
                continue
            for subject in subjects(kind, settings):
                say(subject.title)
                subject.results = in_turn(
                    subject.systems,
                    settings.folder,
                    rounds=options.rounds,
                    cores=settings.cores,
                    tolerance=subject.tolerance,
                    say=say,
                )
                figures += figures_of(subject)
    versions = [f"{name} {version}" for name, version in environment.versions.items()]
    notes = [f"Peers: {', '.join(versions)}."]
    notes += [f"{name}: {why}" for name, why in environment.failures.items()]
    title = f"{options.kind}, ours beside other systems"
    return Record.now(options.kind, title, figures, notes, asdict(options))


def cores_of(options: CompareOptions, kind: str) -> tuple[int, ...]:
    """Return the numbers of the cores that each system may use.

    Raises:
        UserError: There are not so many.
    """
    available = sorted(os.sched_getaffinity(0))
    count = options.cores or (1 if kind == "input" else len(available))
    if count > len(available):
        raise UserError(f"Expected at most {len(available)} cores, got {count}.")
    return tuple(available[-count:])


def in_turn(
    systems: Sequence[System],
    folder: Path,
    *,
    rounds: int,
    cores: Sequence[int],
    tolerance: float | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[Result]:
    """Measure all in turn: the first is the reference, before and after each other.

    Args:
        systems: Whom to measure; the first is ours.
        folder: Scratch.
        rounds: Measurements of each.
        cores: Numbers of the processor cores that each may use.
        tolerance: How far an answer may be from ours; None leaves the check out. Who
            computes something else is not measured.
        say: Takes lines on the progress.

    Raises:
        SystemFailure: The reference fails.
    """
    results = [Result(s.name, s.kind, s.amount) for s in systems]

    @contextlib.contextmanager
    def named(result: Result) -> Iterator[None]:
        """Note a failure with its system, and go on unless it is the reference."""
        try:
            yield
        except SystemFailure as error:
            result.failure = str(error)
            say(f"{result.name}: {error}")
            if result is results[0]:
                raise SystemFailure(f"{result.name}: {error}") from None

    if tolerance is not None:
        expected = None
        for system, result in zip(systems, results, strict=True):
            if system.kind != "limit":
                with named(result):
                    answer = _answer(system, folder, cores)
                    expected = answer if expected is None else expected
                    result.difference = difference(answer, expected)
                    _check(result.difference, tolerance)
    processes: dict[int, SystemProcess] = {}
    try:
        for place, (system, result) in enumerate(zip(systems, results, strict=True)):
            if result.failure is None:
                with named(result):
                    start = time.monotonic()
                    processes[place] = SystemProcess(system, folder, cores)
                    result.facts = processes[place].ready()
                    say(f"{system.name}: ready in {time.monotonic() - start:.0f} s")
            if result.failure is not None:
                processes.pop(place, None)
        _take_turns(results, processes, rounds, named, say)
        for place, process in processes.items():
            with contextlib.suppress(SystemFailure):  # it was measured all the same
                results[place].peak_bytes = process.finish()
    finally:
        for process in processes.values():
            process.kill()
    return results


def _answer(system: System, folder: Path, cores: Sequence[int]) -> np.ndarray:
    path = folder / "answer.npy"
    process = SystemProcess(system, folder, cores, {**system.job, "check": str(path)})
    process.ready()
    process.wait()
    return np.load(path)


def _check(found: float, tolerance: float) -> None:
    if not found <= tolerance:
        raise SystemFailure(f"differs by {found:.1e}, more than {tolerance:.0e}")


def difference(answer: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference over the largest expected value."""
    if answer.shape != expected.shape:
        return float("inf")
    return float(np.abs(answer - expected).max() / np.abs(expected).max())


def _take_turns(results, processes, rounds, named, say) -> None:
    reference = processes[0]
    before = reference.run()
    results[0].seconds.append(before)
    for number in range(1, rounds + 1):
        for place in [place for place in processes if place != 0]:
            result = results[place]
            with named(result):
                seconds = processes[place].run()
            if result.failure is not None:
                del processes[place]
                continue
            after = reference.run()
            results[0].seconds.append(after)
            result.seconds.append(seconds)
            result.ratios.append(2 * seconds / (before + after))
            before = after
        say(f"round {number} of {rounds}")


def figures_of(subject: Subject) -> Iterator[Figure]:
    """Yield the rate of each system, beside ours, and what was reached of the aims."""
    for result in subject.results:
        name = f"{subject.title}: {result.name}"
        if result.kind == "limit":
            unit, scale = UNITS.get(result.name, ("images/s", 1.0))
            rate = None if result.rate is None else result.rate / scale
            yield Figure(name, rate, unit, result.failure or "limit of the machine")
        else:
            yield Figure(name, result.rate, "images/s", _beside(subject, result))
    for aim in (aim for aim in AIMS if aim.concerns(subject)):
        value = aim.value(subject)
        met = "not measured" if value is None else "met" if aim.met(value) else "missed"
        yield Figure(f"{subject.title}: aim: {aim.text}", value, "", met)


def _beside(subject: Subject, result: Result) -> str:
    if result.failure is not None:
        return f"not measured: {result.failure}"
    said = []
    if result.ratios:
        spread = f"{min(result.ratios):.2f} to {max(result.ratios):.2f}"
        said.append(f"ours {result.ratio:.2f} × as fast ({spread})")
    for limit in subject.demands:
        share = subject.share(result.name, limit)
        said += [] if share is None else [f"{share:.0%} of {limit}"]
    if result.difference:
        said.append(f"differs by {result.difference:.0e}")
    if result.peak_bytes is not None:
        said.append(f"peak {result.peak_bytes / 1e6:,.0f} MB")
    return ", ".join(said)


def say(text: str) -> None:
    """Print a line on the progress."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    run_as_script(measure)
