#!/usr/bin/env python
"""Measure what the weights of another network are worth to a few pictures.

    python scripts/benchmarks/fine_tuning.py NETWORK DATA OUT [--json FILE]

The network of NETWORK is trained on DATA from its weights and from random ones, with
the same pictures, epochs, batches and seeds, and each run is evaluated on pictures that
no training saw. OUT keeps the runs: the same command goes on where it was stopped.
"""

import csv
import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import mean, median, stdev

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import tyro

from keras_alexnet.models.layer_table import CONV_LAYERS
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from keras_alexnet.trained.names import CONFIG_FILE, HISTORY_FILE
from tfrecords.errors import UserError

SCRATCH, FROZEN = "from scratch", "conv1 to conv5 frozen"
# What is learnt already is changed slowly, what is new fast (docs/fine_tuning.md).
_TUNED = ["--learning-rate", "0.001", "--rate", "fc8=10"]
ARMS = {
    SCRATCH: [],
    "all layers": _TUNED,
    FROZEN: [*_TUNED, "--freeze-through", CONV_LAYERS[-1]],
    "frozen and computed once": [
        *(*_TUNED, "--freeze-through", CONV_LAYERS[-1], "--cache-features")
    ],
}


@dataclass(frozen=True)
class FineTuningOptions(MeasureOptions):
    """Measure what the weights of another network are worth to a few pictures."""

    network: tyro.conf.Positional[Path]  # run or network folder to begin with
    data: tyro.conf.Positional[Path]  # dataset folder of a few pictures
    out: tyro.conf.Positional[Path]  # folder of the runs
    test: Path | None = None  # dataset folder to evaluate on; None: DATA
    split: str = "test"  # of that
    seeds: int = 3  # runs of each kind
    epochs: int = 100  # of each run
    batch_size: int = 32  # of each run


def measure(options: FineTuningOptions) -> Record:
    """Train and evaluate every run that is not done."""
    config = json.loads((options.network / CONFIG_FILE).read_text())
    options.out.mkdir(parents=True, exist_ok=True)
    figures = []
    for arm in ARMS:
        errors, seconds = [], []
        for seed in range(1, options.seeds + 1):
            run = options.out / f"{arm.replace(' ', '_')}_{seed}"
            train(run, train_words(options, arm, seed, config))
            errors.append(error_of(run, options))
            seconds += epoch_seconds(run)
        figures.append(error_figure(arm, errors))
        figures.append(Figure(f"an epoch, {arm}", median(seconds), "s"))
        if arm == FROZEN:
            figures.append(frozen_figure(options.network, run))
    title = f"{options.network.name} fine-tuned on {options.data.name}"
    names = replace(
        options, network=Path(options.network.name), data=Path(options.data.name)
    )
    notes = [
        f"{arm}: alexnet {' '.join(train_words(names, arm, 1, config))}" for arm in ARMS
    ]
    return Record.now("fine_tuning", title, figures, notes, asdict(options))


def train_words(
    options: FineTuningOptions, arm: str, seed: int, config: dict
) -> list[str]:
    """Return the words of the command that trains a run, but for the run's folder.

    Args:
        options: Of the measurement.
        arm: In `ARMS`.
        seed: Of the run.
        config: Of the network, its `config.json`: from scratch has the same shape.
    """
    start = ["--init", str(options.network)]
    if arm == SCRATCH:
        size = str(config["network"]["input_size"])
        start = ["--preset", config["preset"], "--input-size", size]
    count = ["--epochs", str(options.epochs), "--batch-size", str(options.batch_size)]
    return ["train", str(options.data), *start, *ARMS[arm], *count, "--seed", str(seed)]


def train(run: Path, words: list[str]) -> None:
    """Train a run to its end, from where it was stopped."""
    verb, data, *rest = words
    again = ["--resume"] if (run / CONFIG_FILE).exists() else []
    _alexnet(verb, data, str(run), *(again or rest))


def error_of(run: Path, options: FineTuningOptions) -> float:
    """Return the top-1 error of a run's best epoch in percent, of the centre view."""
    file = run / "test.json"
    if not file.exists():
        data = str(options.test or options.data)
        shown = ["--split", options.split, "--views", "1", "--json", str(file)]
        _alexnet("evaluate", str(run), data, *shown)
    return 100 * json.loads(file.read_text())["top1_error"]


def epoch_seconds(run: Path) -> list[float]:
    """Return how long each epoch took, with its validation and its checkpoint."""
    with open(run / HISTORY_FILE, newline="") as file:
        return [float(row["seconds"]) for row in csv.DictReader(file)]


def error_figure(arm: str, errors: list[float]) -> Figure:
    """Return the mean of the seeds' errors, with each beside it."""
    each = ", ".join(f"{error:.2f}" for error in errors)
    spread = f"; standard deviation {stdev(errors):.2f}" if len(errors) > 1 else ""
    return Figure(f"top-1 error, {arm}", mean(errors), "%", f"seeds: {each}{spread}")


def frozen_figure(network: Path, run: Path) -> Figure:
    """Return the digest of the frozen layers after a run, and before it."""
    before, after = (convolutions_digest(folder) for folder in (network, run))
    name = "SHA-256 of the weights of conv1 to conv5, frozen"
    return Figure(name, after, "", f"before: {before}")


def convolutions_digest(folder: Path) -> str:
    """Return the SHA-256 of kernels and biases of the convolutions, in their order."""
    from keras_alexnet import load

    model = load(folder).model
    layers = (model.get_layer(name) for name in CONV_LAYERS)
    digest = hashlib.sha256()
    for array in (array for layer in layers for array in layer.get_weights()):
        digest.update(array.tobytes())
    return digest.hexdigest()


def _alexnet(*words: str) -> None:
    done = subprocess.run([sys.executable, "-m", "keras_alexnet", *words], check=False)
    if done.returncode:
        raise UserError(
            f"Expected that alexnet {words[0]} succeeds, its status is "
            f"{done.returncode}. What it printed says why."
        )


if __name__ == "__main__":
    run_as_script(measure)
