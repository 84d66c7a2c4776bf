#!/usr/bin/env python
"""Measure what `alexnet predict` and `alexnet train` need before they do anything.

    python scripts/benchmarks/start.py RUN DATA [--json FILE]

From the start of the process to the first answer of `alexnet predict`, and to the end
of the first step of `alexnet train`, beside a process that imports and loads the same
and does no more. All in turn; ratios are medians over the rounds.
"""

import functools
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np
import tyro
from PIL import Image

from keras_alexnet.benchmark.operations import Work, median_ratio, seconds_in_turn
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script

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

stop = keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **logs: os._exit(0))
fit = keras.Model.fit
def fit_one_step(*arguments, callbacks=(), **options):
    return fit(*arguments, callbacks=[*callbacks, stop], **options)
keras.Model.fit = fit_one_step
data, folder, *options = sys.argv[1:]
raise SystemExit(main(["train", data, tempfile.mkdtemp(dir=folder), *options]))
"""


@dataclass(frozen=True)
class StartOptions(MeasureOptions):
    """Measure what predict and train need before they do anything."""

    run: tyro.conf.Positional[Path]  # run folder with a finished epoch
    data: tyro.conf.Positional[Path]  # dataset folder to train on
    batch_size: int = 64  # images of the training step
    rounds: int = 5  # measurements of each


def measure(options: StartOptions) -> Record:
    """Measure each start."""
    with tempfile.TemporaryDirectory() as folder:
        starts = commands(options, Path(folder)).items()
        works = {work: functools.partial(run_python, *words) for work, words in starts}
        timed = {work: Work(call).seconds for work, call in works.items()}
        seconds = seconds_in_turn(timed, options.rounds, "start", warm_up=False)
    title, found = "From the start of the process", figures_of(seconds)
    return Record.now("start", title, found, options=asdict(options))


def commands(options: StartOptions, scratch: Path) -> dict[str, list[str]]:
    """Return the arguments of Python for each start; makes an export and a picture."""
    alexnet = ["-m", "keras_alexnet"]
    export, picture = scratch / "export", scratch / "picture.jpg"
    run_python(*alexnet, "export", str(options.run), str(export))
    pixels = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    Image.fromarray(pixels).save(picture)
    load_export = f"tensorflow.saved_model.load({str(export / '1')!r})"
    network = str(max(options.run.glob("*.keras")))  # `best` is that of old runs
    load_run = f"keras_alexnet.registration; keras.models.load_model({network!r})"
    found = {
        LOAD_EXPORT: ["-c", f"import tensorflow; {load_export}"],
        LOAD_RUN: ["-c", f"import tensorflow, keras, {load_run}"],
        IMPORT: ["-c", "import tensorflow, keras"],
    }
    for name, model in (("EXPORT", export), ("RUN", options.run)):
        predict = [*alexnet, "predict", str(model), str(picture)]
        for runtime in ([], ["--runtime", "openvino"]):
            found[" ".join(["alexnet predict", name, *runtime])] = [*predict, *runtime]
    train = ["-c", _STOP_AFTER_A_STEP, str(options.data), str(scratch)]
    train += ["--precision", "float32", "--batch-size", str(options.batch_size)]
    return {**found, FIRST_STEP: train}


def figures_of(seconds: Mapping[str, list[float]]) -> Iterator[Figure]:
    """Yield each start beside the bare load of the same round."""
    for work, own in seconds.items():
        bare = BARE.get(work)
        said = f"{median_ratio(own, seconds[bare]):.2f} x: {bare}" if bare else ""
        yield Figure(work, median(own), "s", said)


def run_python(*arguments: str) -> None:
    """Run Python with these arguments.

    Raises:
        RuntimeError: It fails; its last words are in the text.
    """
    command = [sys.executable, *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise RuntimeError(f"{' '.join(arguments[:3])} failed: {last}")


if __name__ == "__main__":
    run_as_script(measure)
