#!/usr/bin/env python
"""Measure `alexnet features`: its speed, its memory, its bits, and being killed.

    python scripts/benchmarks/features.py NETWORK PICTURES OUT [--json FILE]

The features of all pictures are written, then once more with a kill -9 in the middle
and the same command again, whose file has to be the same. Of the first pictures they
are compared with those of plain Keras at several batch sizes.
"""

import hashlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import keras
import numpy as np
import tyro

from keras_alexnet import load
from keras_alexnet.commands.predict import list_pictures
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks.process_memory import measure_command

COMPARED, BATCH_SIZES = 200, (2, 7, 32, 200)  # pictures, with plain Keras
LAYER = "fc6_pre"


@dataclass(frozen=True)
class FeaturesOptions(MeasureOptions):
    """Measure `alexnet features`: its speed, its memory, its bits, and being killed."""

    network: tyro.conf.Positional[Path]  # run or network folder
    pictures: tyro.conf.Positional[Path]  # folder of pictures
    out: tyro.conf.Positional[Path]  # new folder of the files


def measure(options: FeaturesOptions) -> Record:
    """Write, kill, go on, and compare."""
    options.out.mkdir(parents=True)
    files = list_pictures([options.pictures])
    words = [sys.executable, "-m", "keras_alexnet", "features"]
    words += [str(options.network), str(options.pictures), "--layer", LAYER, "--out"]
    whole, cut = options.out / "whole.h5", options.out / "cut.h5"
    used = measure_command([*words, str(whole)], options.out / "whole.log")
    kill([*words, str(cut)], used.wall_seconds / 2)
    again = measure_command([*words, str(cut)], options.out / "cut.log")
    title = f"Features of {len(files):,} pictures, {LAYER}, to .h5"
    rate, peak = len(files) / used.wall_seconds, used.peak_bytes / 1e9
    same = "the same bytes" if digest(whole) == digest(cut) else "other bytes"
    figures = [
        Figure("pictures", len(files)),
        Figure("speed, from the start of the process", rate, "pictures/s"),
        Figure("peak memory, all processes", peak, "GB"),
        Figure("size of the file", whole.stat().st_size / 1e9, "GB"),
        Figure("killed in the middle and resumed", same, "", digest(whole)),
        Figure("seconds of the rest, after the kill", again.wall_seconds, "s"),
        *bit_figures(options.network, files[:COMPARED]),
    ]
    return Record.now("features", title, figures, options=asdict(options))


def kill(command: list[str], seconds: float) -> None:
    """Kill a command in the middle of its work."""
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def bit_figures(network: Path, files: list[Path]) -> list[Figure]:
    """Count the numbers that plain Keras, at some batch sizes, gives otherwise."""
    opened = load(network)
    ours = opened.features(files, LAYER)
    layer = opened.model.get_layer(LAYER.removesuffix("_pre"))
    contents = np.array([file.read_bytes() for file in files])
    images = opened.preprocessing.images(contents)
    inputs = keras.Model(opened.model.input, layer.input)
    figures = []
    for size in BATCH_SIZES:
        parts = [images[at : at + size] for at in range(0, len(files), size)]
        rows = [
            inputs(part, training=False) @ layer.kernel + layer.bias for part in parts
        ]
        other = int((np.concatenate(rows) != ours).sum())
        name = f"numbers of {ours.size:,} unlike plain Keras', batches of {size}"
        figures.append(Figure(name, other))
    return figures


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    run_as_script(measure)
