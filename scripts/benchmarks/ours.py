"""Ours, as `keras_alexnet.benchmark` has it."""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.benchmark import fit, inference
from keras_alexnet.benchmark import input as input_
from keras_alexnet.benchmark.repeated_step import noise, repeated_step
from keras_alexnet.training.compile import compile_network
from scripts.benchmarks import answer, exports
from scripts.benchmarks.answer import Task, serve


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job: a call of its `subject`."""
    works = {"step": _step, "inference": _inference, "input": _input, "fit": _fit}
    if job["subject"] == "input":
        input_.use_one_core()
    else:
        tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    return works[job["subject"]](job)


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the answer to the pictures: probabilities, or logits after some steps."""
    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    images = np.load(job["images"])
    if job["subject"] == "inference":
        return inference.served(job["run"], job["runtime"], job["precision"])(images)
    return logits_after_steps(network(job, dropout_rate=0.0), job)


def network(job: dict[str, Any], **fields: Any) -> keras.Model:
    """Compile the network of a job with its weights."""
    model = compile_network(exports.preset_of(job, **fields), job["classes"])
    exports.load_weights(model, job["weights"])
    return model


def step_task(model: keras.Model, job: dict[str, Any]) -> Task:
    """Return the task of a training step on random pictures."""
    batch = noise(job["batch_size"], job["side"], job["classes"])
    facts = {"tensorflow": tf.__version__, "keras": keras.__version__}
    return Task(repeated_step(model, batch), facts)


def logits_after_steps(model: keras.Model, job: dict[str, Any]) -> np.ndarray:
    """Return the logits of the pictures after the job's steps without dropout."""
    images, labels = np.load(job["images"]), np.load(job["labels"])
    step = repeated_step(model, (images, labels))
    for _ in range(job["steps"]):
        step()
    return keras.ops.convert_to_numpy(model(images, training=False))


def _step(job: dict[str, Any]) -> Task:
    return step_task(network(job), job)


def _inference(job: dict[str, Any]) -> Task:
    images = answer.noise(job)
    served = inference.served(job["run"], job["runtime"], job["precision"])
    return Task(lambda: served(images), {"tensorflow": tf.__version__})


def _input(job: dict[str, Any]) -> Task:
    if job["data"] == "tree":
        return _libjpeg(job)
    batches = input_.endless_batches(
        job[job["data"]],
        job["batch_size"],
        input_size=job["side"],
        floats=job["floats"],
    )
    return answer.stream_task(batches, job, tensorflow=tf.__version__)


def _libjpeg(job: dict[str, Any]) -> Task:
    files = [path.read_bytes() for path in sorted(Path(job["tree"]).glob("*/*"))]

    def forever():
        while True:
            yield from map(input_.libjpeg, files)

    pictures = forever()

    def decode() -> None:
        for _ in range(job["batch_size"]):
            next(pictures)

    return Task(decode, calls=job["calls"], clock=answer.time.process_time)


def _fit(job: dict[str, Any]) -> Task:
    work = fit.fit_work(
        job["work"],
        job["shards"],
        job["batch_size"],
        job["calls"],
        input_size=job["side"],
        precision=job["precision"],
        learning_rate=job["rate"],
        **job["overrides"],
    )
    facts = {"cores": len(os.sched_getaffinity(0)), "tensorflow": tf.__version__}
    return Task(work.call, facts, work.before, work.after, 1, work.clock)


if __name__ == "__main__":
    serve(prepare, check)
