"""A network folder: all that prediction and export need, without a dataset."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import keras

from keras_alexnet.models.finiteness import find_not_finite
from keras_alexnet.trained.class_names import check_names, load_labels
from keras_alexnet.trained.config_file import NetworkConfig, read_config
from keras_alexnet.trained.names import (
    EARLIER_NETWORK_FILE,
    NETWORK_FILE,
    SAFETENSORS_FILE,
)
from keras_alexnet.trained.new_folder import NetworkFacts, new_network_folder
from keras_alexnet.trained.tensors import load_tensors
from tfrecords import Statistics
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import UserError


class SavedNetwork(NamedTuple):
    """What lies in a network folder.

    Attributes:
        model: float32, images to logits.
        labels: Class names in label order, one for each output.
        config: What the network is.
        statistics: Of the pictures that it learnt from.
    """

    model: keras.Model
    labels: list[str]
    config: NetworkConfig
    statistics: Statistics


def save_network(
    folder: Path | str,
    model: keras.Model,
    labels: Sequence[str],
    config: NetworkConfig,
    statistics: Statistics,
) -> None:
    """Write a network folder, whole or not at all.

    Args:
        folder: A new one, or an empty one.
        model: float32, images to logits.
        labels: Class names in label order.
        config: What the network is; what it keeps of a run is left out.
        statistics: Of the pictures that it learnt from.

    Raises:
        UserError: The folder holds something or cannot be written.
    """
    facts = NetworkFacts(labels, config, statistics)
    with new_network_folder(folder, NETWORK_FILE, facts) as path:
        model.save(path)


def open_network(folder: Path | str) -> SavedNetwork:
    """Read a network folder or a run folder, of this or an earlier release.

    Raises:
        UserError: A file is missing or damaged, no epoch of the run has finished, or
            the network gives no numbers.
    """
    folder = Path(folder)
    config = read_config(folder)
    model = load_model(folder)
    labels = load_labels(folder)
    check_names(folder, labels, model.output_shape[-1])
    statistics = Statistics.load(folder / STATISTICS_FILE)
    return SavedNetwork(model, labels, config, statistics)


def load_model(folder: Path | str) -> keras.Model:
    """Load the network of a folder, float32; of a run it is the best epoch's.

    Raises:
        UserError: The run has no finished epoch, the file is damaged, or its network
            gives no numbers.
    """
    path = _network_file(Path(folder))
    try:
        if path.name == SAFETENSORS_FILE:
            return _checked(_load_safetensors(path), path)
        model = keras.models.load_model(path, compile=False)
    except UserError:
        raise
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"Cannot load {path}: {reason}") from None
    return _checked(model, path)


def _load_safetensors(path: Path) -> keras.Model:
    folder = path.parent
    return load_tensors(path, read_config(folder).preset, len(load_labels(folder)))


def _checked(model: keras.Model, path: Path) -> keras.Model:
    wrong = find_not_finite(model)
    if wrong:
        raise UserError(
            f"The network in {path} is of no use: {wrong} is not finite, so its "
            "training has diverged. Train again in a new run with a lower "
            "--learning-rate."
        )
    return model


def network_digest(folder: Path | str) -> str:
    """Return the SHA-256 (hex) of the file that holds the network of a folder.

    Raises:
        UserError: There is none.
    """
    with open(_network_file(Path(folder)), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _network_file(folder: Path) -> Path:
    for name in (NETWORK_FILE, EARLIER_NETWORK_FILE, SAFETENSORS_FILE):
        if (folder / name).exists():
            return folder / name
    raise UserError(
        f"Expected {NETWORK_FILE} in {folder}: no epoch has finished. "
        "Go on with: alexnet train DATA RUN --resume."
    )
