"""Evaluation as in the paper: centre or ten views, one network or several (6.1)."""

from collections.abc import Callable, Sequence
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.data import eval_dataset
from keras_alexnet.evaluation.result import Report
from keras_alexnet.inference.runtimes.openvino import (
    OpenVINONetwork,
    Precision,
    Runtime,
)
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import build_model, load_best
from keras_alexnet.training.devices.precision import check_processor
from keras_alexnet.training.run_dataset import check_dataset
from tfrecords import Manifest
from tfrecords.errors import DatasetError

IMAGES_AT_ONCE = 128  # network inputs in a pass, all views counted


def evaluate(
    runs: Sequence[Path | str],
    data: Path | str,
    *,
    num_views: int = 10,
    split: str = "validation",
    runtime: Runtime = "tensorflow",
    precision: Precision = "float32",
    progress: Callable[[int], None] = lambda done: None,
) -> Report:
    """Count the errors of one run, or of several whose probabilities are averaged.

    Args:
        runs: Run folders; their best networks are taken.
        data: Dataset folder with the classes of the runs, and pictures stored as those
            that they were trained on.
        num_views: 1 for the centre; 10 for corners, centre and mirrors, of which the
            softmax probabilities (not the logits) are averaged.
        split: Name of the split.
        runtime: tensorflow, or openvino for the network alone: the data path is
            TensorFlow's with both.
        precision: float32 or mixed_bfloat16, of the layers; probabilities are float32.
        progress: Called with the number of pictures done, all runs counted.

    Returns:
        The report; every picture of the split is in it exactly once.

    Raises:
        DatasetError: The dataset does not fit a run (see `check_dataset`), something is
            missing, or a run gives probabilities that are not finite.

    Reference: section 4.1 for the views, table 2 for ensembles.
    """
    manifest = Manifest.load(data)
    summed: np.ndarray | float = 0.0
    truth = np.empty(0, np.int64)
    for run in runs:
        check_dataset(run, data)
    for index, run in enumerate(runs):
        done = index * manifest.count(split)
        probabilities, truth = _one_run(
            Path(run),
            data,
            num_views,
            split,
            _probabilities_of(Path(run), runtime, precision),
            lambda n, done=done: progress(done + n),
        )
        _check_finite(probabilities, run)
        summed = summed + probabilities
    if len(truth) != manifest.count(split):
        raise DatasetError(
            f"Expected {manifest.count(split)} pictures in split {split!r} of {data}, "
            f"read {len(truth)}. See what is wrong with: alexnet verify {data}."
        )
    context = {
        "runs": [str(run) for run in runs],
        "data": str(data),
        "split": split,
        "views": num_views,
        "runtime": runtime,
        "precision": precision,
    }
    return Report.count(
        np.asarray(summed) / len(runs), truth, list(manifest.labels), context
    )


def _one_run(
    run: Path,
    data: Path | str,
    num_views: int,
    split: str,
    probabilities_of: Callable[[tf.Tensor], np.ndarray],
    progress: Callable,
) -> tuple[np.ndarray, np.ndarray]:
    config = TrainConfig.load(run)
    batches = eval_dataset(
        data,
        split=split,
        batch_size=max(1, IMAGES_AT_ONCE // num_views),
        input_size=config.resolve().input_size,
        num_views=num_views,
        mean=config.mean,
        mean_from=run,
    )
    collected: list[np.ndarray] = []
    labels: list[np.ndarray] = []
    for images, truth in batches:
        collected.append(probabilities_of(images))
        labels.append(truth.numpy())
        progress(sum(map(len, labels)))
    return np.concatenate(collected), np.concatenate(labels)


def _probabilities_of(
    run: Path, runtime: Runtime, precision: Precision
) -> Callable[[tf.Tensor], np.ndarray]:
    if runtime == "openvino":
        model = load_best(run)
        network = OpenVINONetwork(
            view_probabilities(model), model, model.input_shape[1], precision=precision
        )
        return lambda images: network(images.numpy())
    model = load_in_precision(run, TrainConfig.load(run), precision)
    traced = tf.function(
        view_probabilities(model), reduce_retracing=True, autograph=False
    )
    return lambda images: traced(images).numpy()


def load_in_precision(
    run: Path, config: TrainConfig, precision: Precision
) -> keras.Model:
    """Load the best network of a run with layers that compute in a precision.

    Args:
        run: Run folder.
        config: Its configuration.
        precision: float32 or mixed_bfloat16; logits are float32 with both.

    Raises:
        DatasetError: The run has no finished epoch, or oneDNN is told to refuse the
            precision.
    """
    if not tf.config.get_visible_devices("GPU"):
        check_processor(precision)
    best = load_best(run)
    if precision == "float32":
        return best
    # Weights of 16 bits, or each pass would round 61 million of 32 anew.
    model = build_model(config, dtype=precision.removeprefix("mixed_"))
    model.set_weights(best.get_weights())
    return model


def view_probabilities(model: keras.Model) -> Callable[[tf.Tensor], tf.Tensor]:
    """Return a function from images to class probabilities.

    It takes `(batch, size, size, 3)` or `(batch, views, size, size, 3)` and gives
    `(batch, classes)`: the softmax, averaged over the views where there are several.
    """

    def probabilities(images: tf.Tensor) -> tf.Tensor:
        if images.shape.rank == 4:
            return tf.nn.softmax(model(images, training=False))
        flat = tf.reshape(images, (-1, *images.shape[2:]))
        softmax = tf.nn.softmax(model(flat, training=False))
        views = tf.reshape(softmax, (-1, images.shape[1], softmax.shape[-1]))
        return tf.reduce_mean(views, axis=1)

    return probabilities


def _check_finite(probabilities: np.ndarray, run: Path | str) -> None:
    lost = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if lost:
        raise DatasetError(
            f"The network of {run} gives {lost} of {len(probabilities)} pictures "
            "probabilities that are not finite: its training has diverged. Leave the "
            "run out, and train again with a lower --learning-rate."
        )
