"""Our `fit` on shards, and step and pipeline by themselves."""

import os
import threading
import time
from typing import Any

import keras
import tensorflow as tf
from worker import Task, serve

from keras_alexnet.benchmark.repeated_step import repeated_step
from keras_alexnet.data import training_batches
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.training import allocator
from keras_alexnet.training.compile import model_for_dataset
from tfrecords import Manifest

FOREVER = 1_000_000  # epochs


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job whose `work` is `fit`, `step` or `pipeline`."""
    allocator.keep_freed_memory()
    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    dataset = training_batches(  # as `alexnet train` takes it
        job["shards"],
        batch_size=job["batch_size"],
        input_size=job["side"],
        epochs=FOREVER,
    )
    make = {"fit": _fit, "step": _step, "pipeline": _pipeline}[job["work"]]
    return make(job, dataset)


def _model(job: dict[str, Any]) -> keras.Model:
    config = TrainConfig(
        job["shards"],
        precision=job["precision"],
        batch_size=job["batch_size"],
        learning_rate=job["rate"],
        num_classes=Manifest.load(job["shards"]).num_classes,
        overrides={**job["overrides"], "input_size": job["side"]},
    )
    return model_for_dataset(config)


def _fit(job: dict[str, Any], dataset: tf.data.Dataset) -> Task:
    gate = _Gate(_model(job), dataset)
    return Task(
        lambda: gate.let_pass(job["calls"]),
        {"tensorflow": tf.__version__},
        lambda: gate.let_pass(1),
        calls=1,
    )


class _Gate(keras.callbacks.Callback):
    """One call of `fit` that takes steps when it is told to."""

    def __init__(self, model: keras.Model, dataset: tf.data.Dataset) -> None:
        super().__init__()
        self._allowed, self._taken = threading.Semaphore(0), threading.Semaphore(0)
        self._error: Exception | None = None
        threading.Thread(target=self._fit, args=(model, dataset), daemon=True).start()

    def let_pass(self, steps: int) -> None:
        """Wait until so many steps more were taken."""
        for _ in range(steps):
            self._allowed.release()
        for _ in range(steps):
            self._taken.acquire()
            if self._error is not None:
                raise self._error

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self._allowed.acquire()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._taken.release()

    def _fit(self, model: keras.Model, dataset: tf.data.Dataset) -> None:
        try:
            model.fit(
                dataset,
                steps_per_epoch=FOREVER,
                callbacks=[self],
                shuffle=False,
                verbose=0,
            )
        except Exception as error:
            self._error = error
            self._taken.release()


def _step(job: dict[str, Any], dataset: tf.data.Dataset) -> Task:
    step = repeated_step(_model(job), next(iter(dataset)))

    def train() -> None:
        for _ in range(job["calls"]):
            float(step())

    return Task(train, {"tensorflow": tf.__version__}, calls=1)


def _pipeline(job: dict[str, Any], dataset: tf.data.Dataset) -> Task:
    stream = []

    def start() -> None:
        stream.append(iter(dataset))
        next(stream[0])

    def read() -> None:
        for _ in range(job["calls"]):
            next(stream[0])

    facts = {"cores": len(os.sched_getaffinity(0))}
    return Task(read, facts, start, stream.clear, calls=1, clock=time.process_time)


if __name__ == "__main__":
    serve(prepare)
