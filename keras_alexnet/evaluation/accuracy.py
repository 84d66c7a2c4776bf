"""Evaluation as in the paper: centre or ten views, one network or several (6.1)."""

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.data import evaluation_batches
from keras_alexnet.data.shard_errors import shards_explained
from keras_alexnet.evaluation.result import Evaluation
from keras_alexnet.trained.dataset_check import check_fit
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords import Manifest
from tfrecords.errors import UserError

IMAGES_AT_ONCE = 128  # network inputs in a pass, all views counted


def evaluate(
    networks: Sequence[TrainedNetwork],
    data: Path | str,
    *,
    views: int = 10,
    split: str = "validation",
    progress: Callable[[int], None] = lambda done: None,
) -> Evaluation:
    """Count the errors of a network, or of several whose probabilities are averaged.

    Args:
        networks: What `keras_alexnet.load` opened; exports too.
        data: Dataset folder with the classes of the networks, and pictures stored as
            those that they were trained on.
        views: 1 for the centre; 10 for corners, centre and mirrors, of which the
            softmax probabilities (not the logits) are averaged.
        split: Name of the split.
        progress: Called with the number of pictures done, all networks counted.

    Returns:
        The evaluation; every picture of the split is in it exactly once. Of several
        networks, `networks` has that of each alone.

    Raises:
        UserError: The dataset does not fit a network (see `trained.dataset_check`),
            something is missing, or a network gives probabilities that are not finite.

    Reference: section 4.1 for the views, table 2 for ensembles.
    """
    manifest = Manifest.load(data)
    count = manifest.count(split)
    for network in networks:
        facts = network.config.preprocessing
        check_fit(network.path, network.labels, facts, data, manifest)
    labels, place = list(manifest.labels), {"data": str(data), "split": split}
    summed: np.ndarray | float = 0.0
    truth = np.empty(0, np.int64)
    alone: list[Evaluation] = []
    for index, network in enumerate(networks):
        progress_of = functools.partial(_later, progress, index * count)
        read = functools.partial(evaluation_batches, data, manifest=manifest)
        with shards_explained(data):
            probabilities, truth = _answers(network, read, views, split, progress_of)
        _check_finite(probabilities, network.path)
        summed = summed + probabilities
        if len(networks) > 1:
            context = _context([network], place, views)
            alone.append(Evaluation.count(probabilities, truth, labels, context))
    if len(truth) != count:
        raise UserError(
            f"Expected {count} pictures in split {split!r} of {data}, read "
            f"{len(truth)}. See what is wrong with: alexnet verify {data}."
        )
    context = _context(networks, place, views)
    mean = np.asarray(summed) / len(networks)
    return Evaluation.count(mean, truth, labels, context, alone)


def _context(
    networks: Sequence[TrainedNetwork], place: dict[str, str], views: int
) -> dict[str, Any]:
    return {
        "runs": [str(network.path) for network in networks],
        **place,
        "views": views,
        "runtime": _common([network.runtime for network in networks]),
        "precision": _common([network.precision for network in networks]),
    }


def _answers(
    network: TrainedNetwork,
    read: Callable[..., tf.data.Dataset],
    views: int,
    split: str,
    progress: Callable[[int], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Return the probabilities `(pictures, classes)` of a network, and the truth."""
    preprocessing = network.preprocessing
    mean = tf.constant(preprocessing.view_means(views))
    batches = read(
        split=split,
        batch_size=max(1, IMAGES_AT_ONCE // views),
        input_size=preprocessing.input_size,
        num_views=views,
    )
    collected: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for pixels, truth in batches:
        collected.append(network.probabilities(pixels.normalized(mean)))
        labels.append(truth.numpy())
        progress(sum(map(len, labels)))
    return np.concatenate(collected), np.concatenate(labels)


def _later(progress: Callable[[int], None], before: int, done: int) -> None:
    progress(before + done)


def _common(names: list[str]) -> str:
    """Return what all networks have, or each one's where they differ."""
    return ", ".join(names if len({*names}) > 1 else names[:1])


def _check_finite(probabilities: np.ndarray, path: Path) -> None:
    lost = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if lost:
        raise UserError(
            f"The network of {path} gives {lost} of {len(probabilities)} pictures "
            "probabilities that are not finite: its training has diverged. Leave the "
            "run out, and train again with a lower --learning-rate."
        )
