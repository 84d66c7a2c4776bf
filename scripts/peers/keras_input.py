"""Keras' way: `image_dataset_from_directory`, then augmentation layers."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf
from our_input import stream_task
from worker import Task, serve

from keras_alexnet.benchmark.input import use_one_core


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a job: augmented batches of the files of `tree`."""
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
    return stream_task(batches.prefetch(2), job)


def add_colours(images: tf.Tensor, components: np.ndarray) -> tf.Tensor:
    """Add a random colour to each image; no layer of Keras does."""
    normal = tf.random.normal((tf.shape(images)[0], 3))
    offsets = tf.linalg.matmul(normal, components, transpose_b=True)
    return (images + offsets[:, None, None, :]) / 1.1


if __name__ == "__main__":
    serve(prepare)
