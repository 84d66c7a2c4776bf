"""The network that is compared: its weights, its pictures, and what others start from.

Weights and pictures lie in files that all systems read.
"""

from pathlib import Path

import keras
import numpy as np

from keras_alexnet.benchmark.step import PICTURE_STD
from keras_alexnet.export import EXPORTERS
from keras_alexnet.models import alexnet
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.trained.config_file import NetworkConfig, preprocessing_of
from keras_alexnet.trained.folder import save_network
from keras_alexnet.trained.names import LITERT_FILE, ONNX_FILE, OPENVINO_FILE
from keras_alexnet.trained.opening import load
from tfrecords.dataset.statistics import Accumulator

CONV2_STD = 6.0  # of what conv2 gives
FILES = {"onnx": ONNX_FILE, "openvino": OPENVINO_FILE, "litert": LITERT_FILE}


def preset_of(job: dict) -> Preset:
    """Return network and recipe of a job."""
    return find_preset(job.get("preset", "released")).replace(
        input_size=job["side"],
        dropout_rate=job["dropout"],
        precision=job["precision"],
        batch_size=job["batch_size"],
        learning_rate=job["rate"],
        bias_rate=job["bias_rate"],
        decay=job["decay"],
        **job["overrides"],
    )


def build(job: dict) -> keras.Model:
    """Build the network of a job, in float32."""
    return alexnet(preset_of(job), job["classes"], seed=0, dtype="float32")


def load_weights(model: keras.Model, path: Path | str) -> None:
    """Assign what `write_network` wrote."""
    with np.load(path) as weights:
        for variable in model.trainable_variables:
            variable.assign(weights[variable.path])


def write_network(job: dict, folder: Path, pictures: int = 8) -> dict[str, str]:
    """Write weights, pictures and labels that a wrong network would not survive.

    The initial weights would do it badly: all biases are 1 and hide the rest. These
    keep the spread of activations from layer to layer.

    Returned are their paths, for the job.
    """
    generator = np.random.default_rng(0)
    weights = _draw(build(job), generator)
    shape = (pictures, job["side"], job["side"], 3)
    images = PICTURE_STD * generator.standard_normal(shape, "float32")
    labels = generator.integers(0, job["classes"], pictures)
    paths = {name: str(folder / f"{name}.npy") for name in ("images", "labels")}
    np.save(paths["images"], images)
    np.save(paths["labels"], labels)
    np.savez(folder / "weights.npz", **weights)
    return {**paths, "weights": str(folder / "weights.npz")}


def _draw(model: keras.Model, generator: np.random.Generator) -> dict[str, np.ndarray]:
    weights = {}
    for variable in model.trainable_variables:
        deviation = 0.1
        if variable.path.endswith("kernel"):
            deviation = (2 / np.prod(variable.shape[:-1])) ** 0.5
        drawn = generator.standard_normal(variable.shape, "float32")
        weights[variable.path] = np.float32(deviation) * drawn
    # Loud enough up to conv2 that the normalisations matter. Any louder, and the update
    # of conv3 would swell the few gradients that rounding sends elsewhere at near ties.
    weights["conv2/kernel"] /= PICTURE_STD / CONV2_STD
    if "conv3/kernel" in weights:
        weights["conv3/kernel"] /= CONV2_STD
    return weights


def random_weights(model: keras.Model) -> None:
    """Assign weights of the same kind, of which none of the layers loses the signal."""
    weights = _draw(model, np.random.default_rng(0))
    for variable in model.trainable_variables:
        variable.assign(weights[variable.path])


def write_exports(job: dict, folder: Path) -> dict[str, str]:
    """Write the network as a folder, and the files that other runtimes read."""
    run = folder / "run"
    write_run(job, run)
    opened, paths = load(run), {"run": str(run)}
    for kind, file in FILES.items():
        out = EXPORTERS[kind](opened, folder / kind, views=1, top=5)
        paths[kind] = str(out / file)
    return paths


def write_run(job: dict, run: Path | str) -> None:
    """Write the folder of a network that was never trained."""
    side, preset = job["side"], preset_of(job)
    model = build(job)
    load_weights(model, job["weights"])
    config = NetworkConfig(preset, preprocessing_of(preset, side, "bicubic", False))
    grey = Accumulator(side)
    grey.add(np.full((side, side, 3), 128, np.uint8))
    labels = [f"class {number}" for number in range(job["classes"])]
    save_network(run, model, labels, config, grey.statistics())
