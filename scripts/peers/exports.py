"""The network of a contest in the forms that inference starts from."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.evaluation.accuracy import view_probabilities
from keras_alexnet.inference.graph import ServedNetwork
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import BEST_FILE, LABELS_FILE
from peers import our_network
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.dataset.statistics import Accumulator


def write_exports(job: dict[str, Any], folder: Path) -> dict[str, str]:
    """Write a run folder, a plain SavedModel and a LiteRT file of the same network.

    Args:
        job: Of any worker, with the `weights` that `our_network.write_network` wrote.
        folder: For all of them.

    Returns:
        The paths of `run`, `portable` and `litert`, for the jobs.
    """
    run = folder / "run"
    write_run(job, run)
    network = ServedNetwork(run)
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
    """Write what `alexnet train` leaves, for weights that were never trained."""
    run.mkdir(parents=True)
    config = TrainConfig(
        "none",
        num_classes=job["classes"],
        stored_size=job["side"],
        overrides={**job["overrides"], "input_size": job["side"]},
    )
    config.save(run)
    model = our_network.build({**job, "precision": "float32"})
    our_network.load_weights(model, job["weights"])
    model.save(run / BEST_FILE)
    names = [f"class {number}" for number in range(job["classes"])]
    (run / LABELS_FILE).write_text("\n".join(names) + "\n")
    grey = Accumulator(job["side"])
    grey.add(np.full((job["side"], job["side"], 3), 128, np.uint8))
    grey.statistics().save(run / STATISTICS_FILE)


def _litert(model: Any, spec: tf.TensorSpec) -> bytes:
    # Not part of TensorFlow's public names. Left as variables, the weights would stay
    # outside the file.
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    traced = tf.function(view_probabilities(model), input_signature=[spec])
    frozen = convert_variables_to_constants_v2(traced.get_concrete_function())
    return tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
