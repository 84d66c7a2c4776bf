"""What the machine can do at most: multiply matrices, and read memory."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from scripts.benchmarks.answer import Task, serve

READ_BYTES = 1 << 30  # of a call


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job whose `limit` is `matrix` or `memory`."""
    if job["limit"] == "memory":
        return Task(_reading(job["threads"]))
    import tensorflow as tf

    from keras_alexnet.benchmark.operations import matrix_product

    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    return Task(matrix_product(job["precision"]))


def _reading(threads: int) -> Callable[[], None]:
    """Return what reads memory once with all threads at the same time."""
    parts = np.array_split(np.ones(READ_BYTES // 8), threads)

    def read() -> None:
        # The sum of a long array takes less time than reading it.
        running = [threading.Thread(target=part.sum) for part in parts]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()

    return read


if __name__ == "__main__":
    serve(prepare)
