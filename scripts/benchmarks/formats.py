#!/usr/bin/env python
"""Measure every format that `alexnet export` writes, of trained and random networks.

    python scripts/benchmarks/formats.py DATA [NETWORK...] [--presets P...] [--json F]

Each file is checked as `alexnet export` does it, on pictures of DATA, and timed beside
Keras, in turn. Networks of presets have random weights, with which 8 bits mean little.
"""

import functools
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np
import tyro

from keras_alexnet import load
from keras_alexnet.benchmark.operations import (
    Work,
    median_ratio,
    seconds_in_turn,
)
from keras_alexnet.export import EXPORTERS
from keras_alexnet.export.agreement import check_agreement
from keras_alexnet.export.pictures import (
    ExportPictures,
    export_pictures,
    use_pictures,
)
from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import PRESETS, SMALL_PRESETS
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from keras_alexnet.trained.config_file import NetworkConfig, preprocessing_of
from keras_alexnet.trained.network import TrainedNetwork
from scripts.benchmarks.exports import random_weights
from tfrecords import Manifest, Statistics
from tfrecords.errors import UserError

BATCHES = (1, 64)
ROUNDS = 5
LOGIT_STD = 3.0  # of each logit over the pictures, with random weights
KERAS = "keras"  # the first, that the others are timed beside
FORMATS = (KERAS, *(name for name in EXPORTERS if name != KERAS))


@dataclass(frozen=True)
class FormatsOptions(MeasureOptions):
    """Measure every format that `alexnet export` writes."""

    data: tyro.conf.Positional[Path]  # dataset folder of the networks
    networks: tyro.conf.Positional[tuple[Path, ...]] = ()  # run or network folders
    presets: tuple[str, ...] = ()
    """Networks of random weights, of the classes of DATA, to measure too."""
    speed: bool = True
    """Time them, at batches of 1 and 64."""


def measure(options: FormatsOptions) -> Record:
    """Export, check and time one network after the other."""
    figures: list[Figure] = []
    named = [(path.name, load(path)) for path in options.networks]
    chosen = ((name, random_network(name, options.data)) for name in options.presets)
    for name, network in (*named, *chosen):
        pictures = export_pictures(network, data=options.data)
        if name in options.presets:
            spread_answers(network, pictures.images[: BATCHES[-1]])
        figures += format_figures(name, pictures, options.speed)
    title = "Formats of `alexnet export`: difference from Keras, size and speed"
    return Record.now("formats", title, figures, options=asdict(options))


def random_network(preset: str, data: Path) -> TrainedNetwork:
    """Return a network of random weights for the classes of a dataset."""
    manifest = Manifest.load(data)
    known = (SMALL_PRESETS if preset in SMALL_PRESETS else PRESETS)[preset]
    facts = preprocessing_of(
        known,
        manifest.image_size,
        manifest.options["filter"],
        bool(manifest.options.get("apply_exif")),
    )
    model = network_of(known, manifest.num_classes)
    random_weights(model)
    statistics = Statistics.load(data / "statistics.npz")
    config = NetworkConfig(known, facts)
    return TrainedNetwork(model, list(manifest.labels), config, statistics)


def spread_answers(network: TrainedNetwork, images: np.ndarray) -> None:
    """Change the last layer so that every class is the answer to some images."""
    logits = network.model.predict(images, verbose=0)
    scale = np.float32(LOGIT_STD) / logits.std(axis=0)
    kernel, bias = network.model.layers[-1].weights
    bias.assign((bias - logits.mean(axis=0)) * scale)
    kernel.assign(kernel * scale)


def format_figures(
    name: str, pictures: ExportPictures, speed: bool
) -> Iterator[Figure]:
    """Yield what each format of one network is worth."""
    with tempfile.TemporaryDirectory() as folder, use_pictures(pictures):
        opened = {}
        for kind in FORMATS:
            out, where = Path(folder, kind), f"{name}, {kind}"
            try:
                EXPORTERS[kind](pictures.network, out, views=1, top=5)
            except UserError as error:
                yield Figure(where, None, "", str(error))
                continue
            opened[kind] = load(out)
            yield _agreement(where, opened[kind], pictures, out)
        if speed:
            yield from speed_figures(name, opened, pictures)


def _agreement(
    where: str, found: TrainedNetwork, pictures: ExportPictures, out: Path
) -> Figure:
    size = sum(file.stat().st_size for file in out.rglob("*") if file.is_file())
    # Whatever it may differ by was held by the export.
    said = check_agreement(found.probabilities, pictures, where, quantised=True)
    beside = f"{size / 1e6:.1f} MB; {said.text}"
    return Figure(f"{where}: largest difference", said.difference, "", beside)


def speed_figures(
    name: str, opened: dict[str, TrainedNetwork], pictures: ExportPictures
) -> Iterator[Figure]:
    """Yield the images/s of each, measured in turn."""
    for batch in BATCHES:
        images = np.resize(pictures.images, (batch, *pictures.images.shape[1:]))
        calls = {
            kind: functools.partial(network.probabilities, images)
            for kind, network in opened.items()
        }
        # Threads of the runtime before may still spin: a first call is not timed.
        works = {kind: Work(call, before=call).seconds for kind, call in calls.items()}
        seconds = seconds_in_turn(works, ROUNDS, f"{name}, batch {batch}")
        for kind, taken in seconds.items():
            rate = batch / float(np.median(taken))
            ratio = median_ratio(seconds[KERAS], taken)
            beside = "" if kind == KERAS else f"{ratio:.2f} × the speed of Keras"
            where = f"{name}, {kind}, batch {batch}"
            yield Figure(where, rate, "images/s", beside)


if __name__ == "__main__":
    run_as_script(measure)
