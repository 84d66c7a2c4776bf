"""The network that is compared: its weights, its pictures, and what others start from.

Weights and pictures lie in files that all systems read.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.benchmark.repeated_step import PICTURE_STD
from keras_alexnet.inference.graph import ClassifierGraph
from keras_alexnet.inference.probabilities import view_probabilities
from keras_alexnet.models import alexnet
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.trained.config_file import NetworkConfig, preprocessing_of
from keras_alexnet.trained.folder import save_network
from keras_alexnet.trained.opening import load
from tfrecords.dataset.statistics import Accumulator

CONV2_STD = 6.0  # of what conv2 gives


def preset_of(job: Mapping[str, Any], **fields: Any) -> Preset:
    """Return network and recipe of a job, with other fields in place of its own."""
    own = {
        "input_size": job["side"],
        "dropout_rate": job["dropout"],
        "precision": job["precision"],
        "batch_size": job["batch_size"],
        "learning_rate": job["rate"],
        "bias_rate": job["bias_rate"],
        "decay": job["decay"],
    }
    return find_preset("released").replace(**{**own, **job["overrides"], **fields})


def build(job: Mapping[str, Any]) -> keras.Model:
    """Build the network of a job, in float32."""
    return alexnet(preset_of(job), job["classes"], seed=0, dtype="float32")


def load_weights(model: keras.Model, path: Path | str) -> None:
    """Assign what `write_network` wrote."""
    with np.load(path) as weights:
        for variable in model.trainable_variables:
            variable.assign(weights[variable.path])


def write_network(
    job: dict[str, Any], folder: Path, pictures: int = 8
) -> dict[str, str]:
    """Write weights, pictures and labels that a wrong network would not survive.

    The initial weights would do it badly: all biases are 1 and hide the rest. These
    keep the spread of activations from layer to layer.

    Returns:
        The paths of `weights`, `images` and `labels`, for the job.
    """
    generator = np.random.default_rng(0)
    weights = {}
    for variable in build(job).trainable_variables:
        deviation = 0.1
        if variable.path.endswith("kernel"):
            deviation = (2 / np.prod(variable.shape[:-1])) ** 0.5
        drawn = generator.standard_normal(variable.shape, "float32")
        weights[variable.path] = np.float32(deviation) * drawn
    # Loud enough up to conv2 that the normalisations matter. Any louder, and the update
    # of conv3 would swell the few gradients that rounding sends elsewhere at near ties.
    weights["conv2/kernel"] /= PICTURE_STD / CONV2_STD
    weights["conv3/kernel"] /= CONV2_STD
    shape = (pictures, job["side"], job["side"], 3)
    images = PICTURE_STD * generator.standard_normal(shape, "float32")
    labels = generator.integers(0, job["classes"], pictures)
    np.save(folder / "images.npy", images)
    np.save(folder / "labels.npy", labels)
    np.savez(folder / "weights.npz", **weights)
    names = {"images": "images.npy", "labels": "labels.npy", "weights": "weights.npz"}
    return {kind: str(folder / name) for kind, name in names.items()}


def write_exports(job: dict[str, Any], folder: Path) -> dict[str, str]:
    """Write a network folder, a plain SavedModel and a LiteRT file of the same network.

    Args:
        job: Of any system, with the `weights` that `write_network` wrote.
        folder: For all of them.

    Returns:
        The paths of `run`, `portable` and `litert`, for the jobs.
    """
    run = folder / "run"
    write_run(job, run)
    opened = load(run)
    network = ClassifierGraph(opened.model, opened.labels, opened.preprocessing)
    spec = network.image_spec
    portable = tf.Module()
    portable.network = network.model
    portable.answer = tf.function(network.portable, input_signature=[spec])
    path = folder / "portable"
    signatures = {"serving_default": portable.answer}
    tf.saved_model.save(portable, str(path), signatures)
    litert = folder / "network.tflite"
    litert.write_bytes(_litert(network.model, spec))
    return {"run": str(run), "portable": str(path), "litert": str(litert)}


def write_run(job: dict[str, Any], run: Path) -> None:
    """Write the folder of a network that was never trained."""
    side, preset = job["side"], preset_of(job)
    model = build(job)
    load_weights(model, job["weights"])
    config = NetworkConfig(preset, preprocessing_of(preset, side, "bicubic", False))
    grey = Accumulator(side)
    grey.add(np.full((side, side, 3), 128, np.uint8))
    labels = [f"class {number}" for number in range(job["classes"])]
    save_network(run, model, labels, config, grey.statistics())


def _litert(model: Any, spec: tf.TensorSpec) -> bytes:
    # Not part of TensorFlow's public names. Left as variables, the weights would stay
    # outside the file.
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    traced = tf.function(view_probabilities(model), input_signature=[spec])
    frozen = convert_variables_to_constants_v2(traced.get_concrete_function())
    return tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
