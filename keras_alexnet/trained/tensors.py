"""The weights of a network by our names, as `network.safetensors` holds them."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from safetensors import SafetensorError, safe_open

from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import AnyPreset
from keras_alexnet.trained.misfit import WeightsMisfit, shape_misfits
from tfrecords.errors import UserError

PARTS = ("kernel", "bias")


def model_tensors(model: keras.Model) -> dict[str, np.ndarray]:
    """Return `conv1.kernel`, `conv1.bias` and so on, each in one piece.

    What is fixed, as the codes of LeNet-5 of 1998, is none of them.
    """
    return {
        f"{layer.name}.{weight.name}": np.ascontiguousarray(weight.value.numpy())
        for layer in model.layers
        for weight in layer.weights
        if weight.name in PARTS
    }


def assign_tensors(model: keras.Model, tensors: Mapping[str, np.ndarray]) -> None:
    """Give a network all of its weights, by the names of `model_tensors`.

    Raises:
        WeightsMisfit: One is missing, left over or of another shape; nothing is
            changed.
    """
    expected = {name: array.shape for name, array in model_tensors(model).items()}
    rows = shape_misfits(expected, {name: x.shape for name, x in tensors.items()})
    if rows:
        raise WeightsMisfit(
            f"Expected the {len(expected)} tensors of {model.name}, found {len(rows)} "
            f"that are missing, left over or of another shape, first {rows[0].tensor}: "
            f"expected {rows[0].expected}, found {rows[0].received}. "
            "Export the network again.",
            rows,
        )
    for layer in model.layers:
        for weight in layer.weights:
            if weight.name in PARTS:
                weight.assign(tensors[f"{layer.name}.{weight.name}"])


def load_tensors(path: Path, preset: AnyPreset, num_classes: int) -> keras.Model:
    """Make the network of a preset with the weights of a file of ours.

    Raises:
        UserError: The file is damaged, or of another network.
    """
    model = network_of(preset, num_classes)
    try:
        with safe_open(path, framework="numpy") as file:
            names = [name for name in file.keys() if name.endswith(PARTS)]  # noqa: SIM118
            assign_tensors(model, {name: file.get_tensor(name) for name in names})
    except (SafetensorError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"Cannot load {path}: {reason}") from None
    return model
