"""Our input pipeline, and bare libjpeg on the same pictures, on one core."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tensorflow as tf
from worker import Task, serve

from keras_alexnet.benchmark.input import use_one_core
from keras_alexnet.data import train_dataset, training_batches
from keras_alexnet.training import allocator

FOREVER = 1_000_000  # epochs


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job: batches of `shards`, or decoding the files of `tree`."""
    use_one_core()
    allocator.keep_freed_memory()  # as `alexnet train` does
    if "shards" not in job:
        return _libjpeg(job)
    floats = job.get("normalized", True)
    dataset = (train_dataset if floats else training_batches)(
        job["shards"],
        batch_size=job["batch_size"],
        input_size=job["side"],
        epochs=FOREVER,
    )
    return stream_task(dataset, job)


def stream_task(dataset: tf.data.Dataset, job: dict[str, Any]) -> Task:
    """Return a task that takes batches of a dataset that starts anew for each run."""
    stream: list[Iterator[Any]] = []

    def start() -> None:
        # Of its own, and gone before the next: else it reads while others are timed.
        stream.clear()
        stream.append(iter(dataset))
        next(stream[0])

    return Task(
        lambda: next(stream[0]),
        {"tensorflow": tf.__version__},
        before=start,
        after=stream.clear,
        calls=job["calls"],
        clock=time.process_time,
    )


def _libjpeg(job: dict[str, Any]) -> Task:
    files = [path.read_bytes() for path in sorted(Path(job["tree"]).glob("*/*"))]
    pictures = iter(())

    def work() -> None:
        nonlocal pictures
        for _ in range(job["batch_size"]):
            encoded = next(pictures, None)
            if encoded is None:
                pictures = iter(files)
                encoded = next(pictures)
            tf.io.decode_jpeg(encoded, channels=3, dct_method="INTEGER_ACCURATE")

    return Task(work, calls=job["calls"], clock=time.process_time)


if __name__ == "__main__":
    serve(prepare)
