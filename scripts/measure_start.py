#!/usr/bin/env python
"""Measure what `alexnet predict` and `alexnet train` need before they do anything.

    python scripts/measure_start.py RUN DATA [--json FILE]

From the start of the process to the first answer of `alexnet predict`, for the run
folder and for an export of it, in TensorFlow and in OpenVINO; beside it a process that
imports TensorFlow and loads the same network, and does no more. Then from the start of
`alexnet train` to the end of its first step, beside a process that imports TensorFlow
and Keras. All in turn; ratios are medians over the rounds.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

import numpy as np
import tyro
from PIL import Image

from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.tables import Console, Table

LOAD_EXPORT = "import tensorflow, load the export"
LOAD_RUN = "import tensorflow, load the run's network"
IMPORT = "import tensorflow and keras"
FIRST_STEP = "alexnet train, to the end of the first step"
# Work -> what it is compared with.
BARE = {
    "alexnet predict EXPORT": LOAD_EXPORT,
    "alexnet predict EXPORT --runtime openvino": LOAD_EXPORT,
    "alexnet predict RUN": LOAD_RUN,
    "alexnet predict RUN --runtime openvino": LOAD_RUN,
    FIRST_STEP: IMPORT,
}
_STOP_AFTER_A_STEP = """
import os, sys, tempfile, keras
from keras_alexnet.cli import main

class Stop(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        os._exit(0)

fit = keras.Model.fit
def fit_one_step(model, *arguments, callbacks=(), **options):
    return fit(model, *arguments, callbacks=[*callbacks, Stop()], **options)
keras.Model.fit = fit_one_step
data, folder, *options = sys.argv[1:]
raise SystemExit(main(["train", data, tempfile.mkdtemp(dir=folder), *options]))
"""


@dataclass(frozen=True)
class Options:
    """Measure what predict and train need before they do anything."""

    run: tyro.conf.Positional[Path]
    """Run folder with a finished epoch."""
    data: tyro.conf.Positional[Path]
    """Dataset folder to train on."""
    batch_size: int = 64
    """Images of the training step."""
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """Arithmetic of the training step."""
    rounds: int = 5
    """Measurements of each."""
    json: Path | None = None
    """Write the figures to this file."""


@dataclass(frozen=True)
class Start:
    """One kind of start.

    Attributes:
        work: What was started.
        seconds: Median wall time.
        bare: What it is compared with; None for those themselves.
        ratio: Its time over that, median over the rounds.
        ratios: Of each round.
    """

    work: str
    seconds: float
    bare: str | None = None
    ratio: float | None = None
    ratios: tuple[float, ...] = ()


def main(options: Options) -> int:
    """Measure, print a table, and write the figures if a file was asked for."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            starts = measure(commands(options, Path(folder)), options.rounds)
    except DatasetError as error:
        print(f"measure_start: {error}", file=sys.stderr)
        return 1
    table = Table("from the start of the process", "seconds", "over the bare load")
    for start in starts:
        ratio = "" if start.ratio is None else f"{start.ratio:.2f}"
        table.add_row(start.work, f"{start.seconds:.2f}", ratio)
    Console().print(table)
    if options.json:
        document = [vars(start) for start in starts]
        write_atomically(options.json, (json.dumps(document, indent=1) + "\n").encode())
    return 0


def commands(options: Options, scratch: Path) -> dict[str, list[str]]:
    """Return the command of each kind of start; makes an export and a picture.

    Raises:
        DatasetError: The run cannot be exported.
    """
    alexnet = ["-m", "keras_alexnet"]
    export, picture = scratch / "export", scratch / "picture.jpg"
    _finish([*alexnet, "export", str(options.run), str(export)])
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    Image.fromarray(pixels).save(picture)
    best = options.run / "best.keras"
    load_export = f"tensorflow.saved_model.load({str(export / '1')!r})"
    load_run = f"keras.models.load_model({str(best)!r})"
    layers = "import tensorflow, keras, keras_alexnet.layers"
    found = {
        LOAD_EXPORT: ["-c", f"import tensorflow; {load_export}"],
        LOAD_RUN: ["-c", f"{layers}; {load_run}"],
        IMPORT: ["-c", "import tensorflow, keras"],
    }
    for name, model in (("EXPORT", export), ("RUN", options.run)):
        predict = [*alexnet, "predict", str(model), str(picture)]
        found[f"alexnet predict {name}"] = predict
        openvino = f"alexnet predict {name} --runtime openvino"
        found[openvino] = [*predict, "--runtime", "openvino"]
    train = [str(options.data), str(scratch), "--precision", options.precision]
    train += ["--batch-size", str(options.batch_size)]
    found[FIRST_STEP] = ["-c", _STOP_AFTER_A_STEP, *train]
    return found


def measure(works: Mapping[str, list[str]], rounds: int) -> list[Start]:
    """Time each in turn.

    Raises:
        DatasetError: One fails; its last words are in the text.
    """
    seconds: dict[str, list[float]] = {work: [] for work in works}
    for number in range(1, rounds + 1):
        for work, command in works.items():
            begin = time.perf_counter()
            _finish(command)
            seconds[work].append(time.perf_counter() - begin)
        print(f"round {number} of {rounds}", file=sys.stderr, flush=True)
    return [_start(work, seconds) for work in works]


def _start(work: str, seconds: Mapping[str, list[float]]) -> Start:
    if work not in BARE:
        return Start(work, median(seconds[work]))
    pairs = zip(seconds[work], seconds[BARE[work]], strict=True)
    ratios = tuple(own / bare for own, bare in pairs)
    return Start(work, median(seconds[work]), BARE[work], median(ratios), ratios)


def _finish(command: list[str]) -> None:
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise DatasetError(f"{' '.join(command[:3])} failed: {lines[-1]}")


if __name__ == "__main__":
    raise SystemExit(main(tyro.cli(Options, description=__doc__)))
