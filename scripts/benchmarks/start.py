#!/usr/bin/env python
"""Measure what `alexnet predict` and `alexnet train` need before they do anything.

    python scripts/benchmarks/start.py RUN DATA [--json FILE]

From the start of the process to the first answer of `alexnet predict`, for the run
folder and for an export of it, in TensorFlow and in OpenVINO; beside it a process that
imports TensorFlow and loads the same network, and does no more. Then from the start of
`alexnet train` to the end of its first step, beside a process that imports TensorFlow
and Keras. All in turn; ratios are medians over the rounds.
"""

import functools
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Literal

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np
import tyro
from PIL import Image

from keras_alexnet.benchmark.operations import median_ratio, seconds_in_turn
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from keras_alexnet.trained.names import EARLIER_NETWORK_FILE, NETWORK_FILE
from tfrecords.errors import UserError

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
class StartOptions(MeasureOptions):
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


def measure(options: StartOptions) -> Record:
    """Measure each start.

    Raises:
        UserError: A command fails; its last words are in the text.
    """
    options.check_counts("rounds")
    with tempfile.TemporaryDirectory() as folder:
        starts = commands(options, Path(folder))
        works = {w: functools.partial(_seconds, starts[w]) for w in starts}
        seconds = seconds_in_turn(works, options.rounds, "start", warm_up=False)
    title = "From the start of the process"
    figures = figures_of(seconds)
    return Record.now("start", title, figures, options=asdict(options))


def commands(options: StartOptions, scratch: Path) -> dict[str, list[str]]:
    """Return the arguments of Python for each start; makes an export and a picture.

    Raises:
        UserError: The run cannot be exported.
    """
    alexnet = ["-m", "keras_alexnet"]
    export, picture = scratch / "export", scratch / "picture.jpg"
    _seconds([*alexnet, "export", str(options.run), str(export)])
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    Image.fromarray(pixels).save(picture)
    files = [options.run / name for name in (NETWORK_FILE, EARLIER_NETWORK_FILE)]
    network = next((str(path) for path in files if path.exists()), "")
    load_export = f"tensorflow.saved_model.load({str(export / '1')!r})"
    layers = "import tensorflow, keras, keras_alexnet.registration"
    found = {
        LOAD_EXPORT: ["-c", f"import tensorflow; {load_export}"],
        LOAD_RUN: ["-c", f"{layers}; keras.models.load_model({network!r})"],
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


def figures_of(seconds: Mapping[str, list[float]]) -> Iterator[Figure]:
    """Yield each start beside the bare load of the same round."""
    for work, own in seconds.items():
        said = ""
        if work in BARE:
            bare = BARE[work]
            said = f"{median_ratio(own, seconds[bare]):.2f} x: {bare}"
        yield Figure(work, median(own), "s", said)


def _seconds(arguments: list[str]) -> float:
    """Return how long Python takes with these arguments.

    Raises:
        UserError: It fails; its last words are in the text.
    """
    begin = time.perf_counter()
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise UserError(f"{' '.join(arguments[:3])} failed: {lines[-1]}")
    return time.perf_counter() - begin


if __name__ == "__main__":
    run_as_script(measure)
