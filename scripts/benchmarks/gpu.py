#!/usr/bin/env python
"""Measure all that one GPU can tell in minutes; scripts/benchmarks/gpu.sh starts it.

Training steps beside PyTorch and stock Keras, with XLA and without, in the forms that
layers choose and in others; inference; `fit` on shards made on the spot; the towers on
two halves of the GPU; the tests of the layers there. Peers are taken from this
environment; those that are missing are named. The file is written anew after each
measurement, so that a run that is cut leaves what it had.
"""

import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks.aims import figures_of
from scripts.benchmarks.answer import error_line
from scripts.benchmarks.gpu_checks import Checks, Figures
from scripts.benchmarks.gpu_subjects import (
    QUICK,
    GpuSizes,
    compared_first,
    compared_last,
    gpu_aims,
    write_weights,
)
from scripts.benchmarks.gpu_turns import NOT_REACHED, Workers, take_turns
from scripts.benchmarks.system import Subject
from tfrecords.plain_text import say
from tfrecords.ranges import check_number

LEAST_SECONDS = 5.0  # in which a part is worth beginning
Parts = dict[str, Callable[[], Figures]]  # by title


@dataclass(frozen=True)
class GpuOptions(MeasureOptions):
    """Measure all that one GPU can tell."""

    minutes: float = 5.0
    """Minutes that all of it may take; what is not reached by then is named."""
    rounds: int = 3
    """Measurements of each system, in turn."""
    all_forms: bool = False
    """Measure all forms of the layers, not the chosen ones and the next best."""
    quick: bool = False
    """Take tiny sizes, to prove that all of it runs, on a CPU too."""


def measure(options: GpuOptions) -> Record:
    """Measure one part after the other, the important ones first."""
    check_number("minutes", options.minutes, above=0)
    with tempfile.TemporaryDirectory() as folder:
        run = GpuRun(options, Path(folder))
        try:
            run.take(run.parts())
        finally:
            run.workers.end()
        return run.record()


class GpuRun:
    """What was measured so far, on its file.

    Args:
        options: What is asked for.
        folder: Scratch.
    """

    def __init__(self, options: GpuOptions, folder: Path) -> None:
        self._options, self._weights = options, folder / "weights.npz"
        self._end = time.monotonic() + 60 * options.minutes
        self._sizes = QUICK if options.quick else GpuSizes()
        self._checks = Checks(folder, self._sizes, self.left, {})
        self._figures: dict[str, list[Figure]] = {}
        self.workers = Workers(folder, self.left)

    def left(self) -> float:
        """Return the seconds that are left, or 0."""
        return max(self._end - time.monotonic(), 0.0)

    def parts(self) -> Parts:
        """Return what is measured, in order."""
        write_weights(self._sizes, self._weights)
        checks = self._checks
        first = compared_first(self._sizes, self._weights)
        last = compared_last(self._sizes, self._options.all_forms)
        return {
            "machine": checks.describe,
            **{each.title: self._comparison(each) for each in first},
            "fit": self._alone(checks.fit),
            "towers": self._alone(checks.towers),
            "layer tests": self._alone(checks.layer_tests),
            **{each.title: self._comparison(each) for each in last},
        }

    def take(self, parts: Parts) -> None:
        """Measure each part as far as it goes; write what is known after each step."""
        for title in parts:
            self._note(title, why=NOT_REACHED)
        for title, part in parts.items():
            say(f"{self.left():4.0f} s left: {title}", error=True)
            if self.left() < LEAST_SECONDS:
                continue
            found: list[Figure] = []
            try:
                for found in part():
                    self._note(title, found)
            except Exception as error:  # whatever it is, the others go on
                say(f"{title}: {error_line(error)}", error=True)
                self._note(title, found, error_line(error))

    def record(self) -> Record:
        """Return what is known."""
        machine, told = self._checks.machine, asdict(self._options)
        figures = [figure for part in self._figures.values() for figure in part]
        known, missing = {figure.name for figure in figures}, "not measured"
        for aim in gpu_aims(self._sizes):
            size = aim.batch_size or self._sizes.batch
            name = aim.name(f"{aim.subject}, {aim.precision}, batch {size}")
            figures += [Figure(name, None, "", missing)] if name not in known else []
        notes = ["Not run on a GPU: there is none."]
        if any(each["type"] == "GPU" for each in machine.get("devices", ())):
            notes = ["From compute capability 8.0 on float32 is TF32 here."]
        record = Record.now("gpu", "What one GPU does", figures, notes, told)
        return dataclasses.replace(record, machine={**record.machine, **machine})

    def _note(
        self, title: str, found: list[Figure] | None = None, why: str | None = None
    ) -> None:
        """Keep all that a part gave, and why it gave no more; write the file."""
        end = [] if why is None else [Figure(title, None, "", why)]
        self._figures[title] = [*(found or []), *end]
        if self._options.json is not None:
            self.record().save(self._options.json)

    def _comparison(self, subject: Subject) -> Callable[[], Figures]:
        def part() -> Figures:
            for _ in take_turns(subject, self.workers, self._options.rounds):
                yield [*figures_of(subject, gpu_aims(self._sizes))]

        return part

    def _alone(self, check: Callable[[], Figures]) -> Callable[[], Figures]:
        def part() -> Figures:
            self.workers.end()
            yield from check()

        return part


if __name__ == "__main__":
    run_as_script(measure)
