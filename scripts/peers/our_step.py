"""Our training step, as `alexnet train` takes it, and that of stock Keras parts."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import our_network
import tensorflow as tf
from worker import Task, serve

from keras_alexnet.benchmark.repeated_step import repeated_step
from keras_alexnet.benchmark.stock import stock_copy
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.training import allocator
from keras_alexnet.training.compile import compile_model


def prepare(job: dict[str, Any]) -> Task:
    """Make the step of a job on random pictures."""
    _use(job)
    shape = (job["batch_size"], job["side"], job["side"], 3)
    images = our_network.PICTURE_STD * tf.random.stateless_normal(shape, (0, 0))
    labels = tf.range(job["batch_size"]) % job["classes"]
    facts = {"tensorflow": tf.__version__, "keras": keras.__version__}
    return Task(_step(_network(job, job["dropout"]), images, labels), facts)


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the logits of the pictures after the job's steps without dropout."""
    _use(job)
    model = _network(job, 0.0)
    images, labels = np.load(job["images"]), np.load(job["labels"])
    step = _step(model, images, labels)
    for _ in range(job["steps"]):
        step()
    return keras.ops.convert_to_numpy(model(images, training=False))


def _use(job: dict[str, Any]) -> None:
    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    if not job["stock"]:
        allocator.keep_freed_memory()


def _network(job: dict[str, Any], dropout: float) -> keras.Model:
    if job["stock"]:
        return _stock_network(job, dropout)
    config = TrainConfig(
        "none",  # of the dataset it needs the number of classes alone
        precision=job["precision"],
        batch_size=job["batch_size"],
        learning_rate=job["rate"],
        decay=job["decay"],
        num_classes=job["classes"],
        overrides={
            **job["overrides"],
            "input_size": job["side"],
            "dropout_rate": dropout,
            "bias_rate": job["bias_rate"],
        },
    )
    model = compile_model(config)
    our_network.load_weights(model, job["weights"])
    return model


def _stock_network(job: dict[str, Any], dropout: float) -> keras.Model:
    network = our_network.build(job, dropout_rate=dropout)
    our_network.load_weights(network, job["weights"])
    model = stock_copy(network, job["decay"])
    model.compile(
        keras.optimizers.SGD(job["rate"], momentum=0.9),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return model


def _step(model: keras.Model, images: Any, labels: Any) -> Callable[[], float]:
    step = repeated_step(model, (images, labels))
    return lambda: float(step())


if __name__ == "__main__":
    serve(prepare, check)
