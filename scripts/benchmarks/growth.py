#!/usr/bin/env python
"""How time and memory grow with the number of pictures, and what ILSVRC would take.

    python scripts/benchmarks/growth.py [--pictures 1000 10000 100000] [--json FILE]

Digits at 32 pixels, repeated under other names. Of each number: `alexnet build`,
`alexnet statistics`, an epoch of the training pipeline, and `alexnet train` stopped
after its first step, whose state it saves. A line a + b n through the figures gives
those of ILSVRC-2012; memory is that of a command and all its processes.
"""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np

from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks.pictures import copy_pictures, link_tree
from scripts.benchmarks.process_memory import Usage, measure_command

ILSVRC = 1_281_167  # training pictures
SIDE = 32
BATCH = 100
_ALEXNET = [sys.executable, "-m", "keras_alexnet"]
_EPOCH = """
import sys, time
import tensorflow as tf
from keras_alexnet.data import training_batches
data, batch, side = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
options = {"batch_size": batch, "input_size": side, "epochs": 1}
begun = time.perf_counter()
for number, _ in enumerate(training_batches(data, **options)):
    if not number:
        print(time.perf_counter() - begun)
print(time.perf_counter() - begun)
"""
# Ctrl-C, as a user would.
_STOPPED = """
import os, signal, sys, keras
from keras_alexnet.cli import main

stop = lambda *_, **logs: os.kill(os.getpid(), signal.SIGINT)
fit = keras.Model.fit
def interrupted(*arguments, callbacks=(), **options):
    asks = keras.callbacks.LambdaCallback(on_train_batch_end=stop)
    return fit(*arguments, callbacks=[asks, *callbacks], **options)
keras.Model.fit = interrupted
status = main(["train", *sys.argv[1:]])
raise SystemExit(status != 130)
"""


@dataclass(frozen=True)
class GrowthOptions(MeasureOptions):
    """Measure how cost grows with the number of pictures."""

    pictures: tuple[int, ...] = (1000, 10_000, 100_000)
    """Numbers of pictures, multiples of the first, which is at most 1,797."""


def measure(options: GrowthOptions) -> Record:
    """Measure each number of pictures, and project."""
    found: dict[str, dict[int, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder, first = Path(name), options.pictures[0]
        pictures = copy_pictures("digits", folder / "pictures", first)
        for count in options.pictures:
            tree = folder / f"tree{count}"
            link_tree(pictures, tree, count // first)
            for what, value in _costs(tree, folder / str(count)).items():
                found.setdefault(what, {})[count] = value
    figures = [figure for what in found for figure in _figures(what, found[what])]
    return Record.now(
        "input", "What grows with the pictures", figures, options=asdict(options)
    )


def projected(values: Mapping[int, float], count: int) -> tuple[float, float, float]:
    """Return a + b n at `count`, a and b, by least squares of the relative errors."""
    numbers, found = np.array([*values]), np.array([*values.values()])
    slope, constant = np.polyfit(numbers, found, 1, w=1 / found)
    return float(constant + slope * count), float(constant), float(slope)


def _figures(what: str, values: Mapping[int, float]) -> Iterator[Figure]:
    unit = "MB" if "memory" in what or "checkpoint" in what else "s"
    for count, value in values.items():
        yield Figure(f"{what}, {count:,} pictures", value, unit)
    if len(values) > 1:
        there, constant, slope = projected(values, ILSVRC)
        said = (
            f"projected: {constant:.3g} {unit} and {1e6 * slope:.3g} {unit} a million"
        )
        if slope < 0:  # less than what chance does
            there, said = max(values.values()), "does not grow; the most that was seen"
        yield Figure(f"{what}, {ILSVRC:,} pictures", there, unit, said)


def _costs(tree: Path, folder: Path) -> dict[str, float]:
    """Return seconds and MB of everything, of the pictures of a tree."""
    folder.mkdir()
    data, run = folder / "data", folder / "run"
    costs: dict[str, float] = {}

    def command(name: str, words: Sequence[str | Path]) -> list[str]:
        log = folder / "log"
        usage: Usage = measure_command([*map(str, words)], log)
        costs[f"{name}, seconds"] = usage.wall_seconds
        costs[f"{name}, memory"] = usage.peak_bytes / 1e6
        return log.read_text().splitlines()

    split = ["--validation-fraction", "0.01", "--size", str(SIDE)]
    command("build", [*_ALEXNET, "build", tree, data, *split])
    command("statistics", [*_ALEXNET, "statistics", data])
    words = [sys.executable, "-c", _EPOCH, data, str(BATCH), str(SIDE)]
    first, whole = map(float, command("pipeline", words)[-2:])
    del costs["pipeline, seconds"]
    costs |= {"pipeline, first batch": first, "pipeline, epoch": whole}
    small = ["--preset", "lenet5", "--batch-size", str(BATCH)]
    command(
        "train, to its first step", [sys.executable, "-c", _STOPPED, data, run, *small]
    )
    files = [path for path in run.rglob("*") if path.is_file()]
    costs["checkpoint"] = sum(path.stat().st_size for path in files) / 1e6
    return costs


if __name__ == "__main__":
    run_as_script(measure)
