"""Stock Keras: the network of its own parts; its way from files to batches."""

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.benchmark.input import use_one_core
from keras_alexnet.benchmark.stock import stock_network
from scripts.benchmarks import exports, ours
from scripts.benchmarks.answer import Task, serve_subjects, stream_task


def step(job: dict, *batch: np.ndarray) -> ours.Step:
    """Return a training step on images and labels, and what tells their logits."""
    model = stock_network(exports.preset_of(job), job["classes"])
    return ours.step_of(model, job, *batch)


def augmented(job: dict) -> Task:
    """Take augmented batches of the files of `tree`."""
    use_one_core()
    colours = np.load(job["colours"])
    files = keras.utils.image_dataset_from_directory(
        job["tree"],
        batch_size=job["batch_size"],
        image_size=(job["stored"], job["stored"]),
        seed=0,
        verbose=False,
    )
    crop = keras.layers.RandomCrop(job["side"], job["side"], seed=0)
    flip = keras.layers.RandomFlip("horizontal", seed=0)

    def finish(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = flip(crop(images, training=True), training=True)
        return add_colours(images - colours["mean"], colours["components"]), labels

    batches = files.repeat().map(finish, num_parallel_calls=tf.data.AUTOTUNE)
    return stream_task(batches.prefetch(2), job)


def add_colours(images: tf.Tensor, components: np.ndarray) -> tf.Tensor:
    """Add a random colour to each image; no layer of Keras does."""
    normal = tf.random.normal((tf.shape(images)[0], 3))
    offsets = tf.linalg.matmul(normal, components, transpose_b=True)
    return (images + offsets[:, None, None, :]) / 1.1


if __name__ == "__main__":
    serve_subjects(step=step, input=augmented)
