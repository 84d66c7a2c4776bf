"""How close `fit` on TFRecords comes to what step and pipeline allow together."""

import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.benchmark.operations import seconds_of
from keras_alexnet.benchmark.repeated_step import repeated_step
from keras_alexnet.data import training_batches
from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.presets import find_preset
from keras_alexnet.training.compile import compile_network
from tfrecords import Manifest
from tfrecords.processes import available_cores
from tfrecords.ranges import check_count

WARM_UP = 4  # steps that are not counted


@dataclass(frozen=True)
class FitFigures:
    """Images per second on all cores; medians over the steps.

    Attributes:
        fit: `model.fit` reading shards.
        step: The training step alone, on one batch again and again.
        pipeline: The input pipeline alone, per second of processor time.
        allowed: What is left for the two together on shared cores:
            `1 / (1 / step + 1 / (pipeline * cores))`.
        share: `fit` over `allowed`.
    """

    precision: str
    batch_size: int
    cores: int
    fit: float
    step: float
    pipeline: float
    allowed: float
    share: float


def measure_fit(
    data: Path | str, *, precision: str, batch_size: int, steps: int = 20
) -> FitFigures:
    """Measure `fit`, the step and the pipeline one after the other, twice.

    Args:
        data: Dataset folder with at least one batch.
        precision: Keras dtype policy.
        batch_size: Images in a step.
        steps: Steps of each measurement.

    Raises:
        DatasetError: The dataset is incomplete or too small.
    """
    check_count("batch_size", batch_size)
    check_count("steps", steps)
    fields = {"precision": precision, "batch_size": batch_size, "learning_rate": 0.001}
    preset = find_preset("released").replace(**fields)
    mean = mean_patch(load_statistics(data), preset.input_size)
    model = compile_network(preset, Manifest.load(data).num_classes, mean=mean)
    dataset = training_batches(data, batch_size=batch_size, epochs=1_000_000)
    fit, step, pipeline = [], [], []
    for _ in range(2):
        fit += _fit_seconds(model, dataset, steps)
        step += _step_seconds(model, dataset, steps)
        pipeline.append(_pipeline_seconds(dataset, steps))
    cores = available_cores()
    fit_rate, step_rate, pipeline_rate = (
        batch_size / statistics.median(seconds) for seconds in (fit, step, pipeline)
    )
    allowed = 1 / (1 / step_rate + 1 / (pipeline_rate * cores))
    return FitFigures(
        precision=precision,
        batch_size=batch_size,
        cores=cores,
        fit=fit_rate,
        step=step_rate,
        pipeline=pipeline_rate,
        allowed=allowed,
        share=fit_rate / allowed,
    )


class _Clock(keras.callbacks.Callback):
    def __init__(self) -> None:
        super().__init__()
        self.times: list[float] = []

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.times.append(time.perf_counter())


def _fit_seconds(
    model: keras.Model, dataset: tf.data.Dataset, steps: int
) -> list[float]:
    clock = _Clock()
    model.fit(
        dataset,
        steps_per_epoch=steps + WARM_UP,
        callbacks=[clock],
        shuffle=False,
        verbose=0,
    )
    pairs = zip(clock.times[WARM_UP - 1 :], clock.times[WARM_UP:], strict=False)
    return [after - before for before, after in pairs]


def _step_seconds(
    model: keras.Model, dataset: tf.data.Dataset, steps: int
) -> list[float]:
    step = repeated_step(model, next(iter(dataset)))
    return [seconds_of(step) for _ in range(steps + WARM_UP)][WARM_UP:]


def _pipeline_seconds(dataset: tf.data.Dataset, steps: int) -> float:
    batches = iter(dataset)
    for _ in range(WARM_UP):
        next(batches)
    start = time.process_time()
    for _ in range(steps):
        next(batches)
    return (time.process_time() - start) / steps
