"""What the machine can do at most: multiply matrices, and read memory."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from scripts.benchmarks.answer import Task, serve

READ_BYTES = 1 << 30  # of a call


def prepare(job: dict) -> Task:
    """Make the task of a job whose `limit` is `matrix` or `memory`."""
    if job["limit"] == "matrix":
        from keras_alexnet.benchmark.operations import matrix_product

        return Task(matrix_product(job["precision"]))
    parts = np.array_split(np.ones(READ_BYTES // 8), job["threads"])
    pool = ThreadPoolExecutor(job["threads"])
    # The sum of a long array takes less time than reading it.
    return Task(lambda: list(pool.map(np.sum, parts)))


if __name__ == "__main__":
    serve(prepare)
