"""tensorflow-datasets reading our shards, and plain tf.data operations."""

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds

from keras_alexnet.benchmark.input import use_one_core
from scripts.benchmarks.answer import Task, serve, stream_task
from scripts.benchmarks.peers.stock_keras import add_colours


def prepare(job: dict) -> Task:
    """Make the task of a job: augmented batches of its `shards`."""
    use_one_core()
    colours, side = np.load(job["colours"]), job["side"]
    builder = tfds.builder_from_directory(job["shards"])
    read = builder.as_dataset(split="train", as_supervised=True, shuffle_files=True)

    def cut(picture: tf.Tensor, label: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        image = tf.image.random_crop(picture, (side, side, 3))
        return tf.image.random_flip_left_right(image), label

    def finish(images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        images = tf.cast(images, tf.float32) - colours["mean"]
        return add_colours(images, colours["components"]), labels

    cuts = read.repeat().shuffle(1000).map(cut, num_parallel_calls=tf.data.AUTOTUNE)
    batches = cuts.batch(job["batch_size"])
    batches = batches.map(finish, num_parallel_calls=tf.data.AUTOTUNE)
    return stream_task(batches.prefetch(2), job)


if __name__ == "__main__":
    serve(prepare)
