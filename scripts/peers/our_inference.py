"""Our inference: an exported SavedModel, or the OpenVINO runtime on a run folder."""

import tempfile
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import our_network
import tensorflow as tf
from worker import Task, serve

from keras_alexnet.evaluation.accuracy import view_probabilities
from keras_alexnet.inference.graph import ServedNetwork
from keras_alexnet.inference.runtimes.openvino import OpenVINONetwork
from keras_alexnet.trained.folder import load_best


def prepare(job: dict[str, Any]) -> Task:
    """Make the answer to a batch of random pictures."""
    shape = (job["batch_size"], job["side"], job["side"], 3)
    generator = np.random.default_rng(0)
    images = our_network.PICTURE_STD * generator.standard_normal(shape, "float32")
    answer = _network(job)
    return Task(lambda: answer(images), {"tensorflow": tf.__version__})


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the probabilities of the pictures."""
    return _network(job)(np.load(job["images"]))


def _network(job: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
    tf.config.threading.set_intra_op_parallelism_threads(job["threads"])
    if job["runtime"] == "openvino":
        model = load_best(job["run"])
        probabilities = view_probabilities(model)
        return OpenVINONetwork(
            probabilities, model, job["side"], precision=job["precision"]
        )
    loaded = _saved(job)
    signature = loaded.signatures["images"]

    def answer(images: np.ndarray) -> np.ndarray:
        # `loaded` holds the variables; without it they are gone.
        assert loaded is not None
        return signature(images=tf.constant(images))["probabilities"].numpy()

    return answer


def _saved(job: dict[str, Any]) -> Any:
    """Return the SavedModel of the signature `images`, as `alexnet export` has it."""
    network = ServedNetwork(job["run"], precision=job["precision"])
    archive = keras.export.ExportArchive()
    archive.track(network.names)
    archive.add_endpoint("images", network.from_images, [network.image_spec])
    with tempfile.TemporaryDirectory() as folder:
        archive.write_out(folder, verbose=False)
        return tf.saved_model.load(folder)


if __name__ == "__main__":
    serve(prepare, check)
