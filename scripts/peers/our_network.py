"""Our network for a contest: its weights and pictures in files that all others read."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_alexnet.benchmark import operations
from keras_alexnet.models import alexnet

PICTURE_STD = 60.0  # grey levels, as spread out as pictures without their mean
CONV2_STD = 6.0  # of what conv2 gives


def build(job: dict[str, Any], **fields: Any) -> keras.Model:
    """Build the network of a job; `fields` are preset fields by name."""
    overrides = {**job["overrides"], **fields}
    return alexnet(
        "released",
        job["classes"],
        job["side"],
        seed=0,
        dtype=job["precision"],
        **overrides,
    )


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
    job = {**job, "precision": "float32"}
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
    files = {}
    for name, array in (("images", images), ("labels", labels)):
        files[name] = str(folder / f"{name}.npy")
        np.save(files[name], array)
    files["weights"] = str(folder / "weights.npz")
    np.savez(files["weights"], **weights)
    return files


def step_operations(job: dict[str, Any]) -> int:
    """Return the floating-point operations of a training step for one image."""
    return operations.step_operations(build(job))


def forward_operations(job: dict[str, Any]) -> int:
    """Return the floating-point operations of a forward pass for one image."""
    return 2 * sum(operations.forward_macs(build(job)).values())


def weight_bytes(job: dict[str, Any]) -> int:
    """Return the size of the weights, which a forward pass reads once at least."""
    width = 4 if job["precision"] == "float32" else 2
    return width * build(job).count_params()
