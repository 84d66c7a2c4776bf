"""Stock Keras: the network of its own parts; its way from files to batches."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.benchmark.input import use_one_core
from keras_alexnet.benchmark.repeated_step import stock_network
from scripts.benchmarks import exports, ours
from scripts.benchmarks.answer import Task, serve, stream_task


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job: a step, or augmented batches of the files of `tree`."""
    if job["subject"] == "input":
        return _input(job)
    return ours.step_task(_network(job), job)


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the logits of the pictures after the job's steps without dropout."""
    return ours.logits_after_steps(_network(job, dropout_rate=0.0), job)


def _network(job: dict[str, Any], **fields: Any) -> keras.Model:
    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    preset = exports.preset_of(job, **fields)
    weights = functools.partial(exports.load_weights, path=job["weights"])
    return stock_network(preset, job["classes"], weights)


def _input(job: dict[str, Any]) -> Task:
    use_one_core()
    colours = np.load(job["colours"])
    files = keras.utils.image_dataset_from_directory(
        job["tree"],
        batch_size=job["batch_size"],
        image_size=(job["stored"], job["stored"]),
        seed=0,
        verbose=False,
    )
    augment = [
        keras.layers.RandomCrop(job["side"], job["side"], seed=0),
        keras.layers.RandomFlip("horizontal", seed=0),
    ]

    def finish(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        for layer in augment:
            images = layer(images, training=True)
        return add_colours(images - colours["mean"], colours["components"]), labels

    batches = files.repeat().map(finish, num_parallel_calls=tf.data.AUTOTUNE)
    return stream_task(batches.prefetch(2), job, tensorflow=tf.__version__)


def add_colours(images: tf.Tensor, components: np.ndarray) -> tf.Tensor:
    """Add a random colour to each image; no layer of Keras does."""
    normal = tf.random.normal((tf.shape(images)[0], 3))
    offsets = tf.linalg.matmul(normal, components, transpose_b=True)
    return (images + offsets[:, None, None, :]) / 1.1


if __name__ == "__main__":
    serve(prepare, check)
