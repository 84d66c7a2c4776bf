"""Ours, as `keras_alexnet.benchmark` has it."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_alexnet.benchmark import fit as fit_
from keras_alexnet.benchmark import inference as inference_
from keras_alexnet.benchmark import input as input_
from keras_alexnet.benchmark.step import repeated_step
from keras_alexnet.training.compile import compile_network
from scripts.benchmarks import exports
from scripts.benchmarks.answer import Task, serve_subjects, stream_task

Step = tuple[Callable[[], float], Callable[[], np.ndarray]]


def step(job: dict, *batch: np.ndarray) -> Step:
    """Return a training step on images and labels, and what tells their logits."""
    model = compile_network(exports.preset_of(job), job["classes"])
    return step_of(model, job, *batch)


def step_of(model: keras.Model, job: dict, *batch: np.ndarray) -> Step:
    """Return the same of a compiled model, which gets the weights of the job."""
    exports.load_weights(model, job["weights"])

    def logits() -> np.ndarray:
        return keras.ops.convert_to_numpy(model(batch[0], training=False))

    return repeated_step(model, batch), logits


def inference(job: dict) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images to probabilities."""
    return inference_.served(job["run"], job["runtime"], job["precision"])


def input(job: dict) -> Task:
    """Take batches of shards, or pictures of `tree` that libjpeg alone decodes."""
    input_.use_one_core()
    if job["data"] == "tree":
        return stream_task(_decoded(job), job)
    sizes = {"input_size": job["side"], "floats": job.get("floats", False)}
    batches = input_.endless_batches(job[job["data"]], job["batch_size"], **sizes)
    return stream_task(batches, job)


def _decoded(job: dict) -> Iterator[list[Any]]:
    files = [path.read_bytes() for path in sorted(Path(job["tree"]).glob("*/*"))]
    first = 0
    while True:
        places = range(first, first + job["batch_size"])
        yield [input_.libjpeg(files[place % len(files)]) for place in places]
        first += job["batch_size"]


def fit(job: dict) -> Task:
    """Train, or do a part of it: `work` is one of `fit_work`'s."""
    sizes = (job["work"], job["shards"], job["batch_size"], job["calls"])
    fields = {"input_size": job["side"], "precision": job["precision"]}
    fields |= {"learning_rate": job["rate"], **job["overrides"]}
    work = fit_.fit_work(*sizes, **fields)
    return Task(work.call, work.before, work.after, 1, work.clock)


if __name__ == "__main__":
    serve_subjects(step=step, inference=inference, input=input, fit=fit)
