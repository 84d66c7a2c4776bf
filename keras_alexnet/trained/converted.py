"""A network in a file that another runtime computes, opened as the network it was."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_alexnet.inference.runtimes import InferencePrecision, RuntimeName
from keras_alexnet.trained.class_names import check_names, load_labels
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.trained.names import LITERT_FILE, ONNX_FILE, OPENVINO_FILE
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords import Statistics
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import UserError

# File: the runtimes that read it, its own first.
CONVERTED_FILES: dict[str, Sequence[RuntimeName]] = {
    ONNX_FILE: ("onnx", "openvino"),
    LITERT_FILE: ("litert",),
    OPENVINO_FILE: ("openvino",),
}


def converted_file(folder: Path) -> Path | None:
    """Return the file that another runtime computes; None: the folder has none."""
    files = (folder / name for name in CONVERTED_FILES)
    return next((file for file in files if file.exists()), None)


def open_converted(
    file: Path, runtime: RuntimeName | None, precision: InferencePrecision
) -> TrainedNetwork:
    """Open a network folder by its file; there is no Keras model in it.

    Args:
        file: As `converted_file` found it.
        runtime: None takes the file's own.
        precision: float32, or what OpenVINO can.

    Raises:
        UserError: The runtime does not read such files or its package is missing, or
            the file or what stands beside it is missing or damaged.
    """
    known = CONVERTED_FILES[file.name]
    runtime = runtime or known[0]
    if runtime not in known:
        raise UserError(
            f"Expected --runtime {' or '.join(known)} for {file}, got {runtime}. Take "
            "the folder that it was made from for another one."
        )
    folder = file.parent
    labels = load_labels(folder)
    network = TrainedNetwork(
        file,
        labels,
        read_config(folder),
        Statistics.load(folder / STATISTICS_FILE),
        path=folder,
        runtime=runtime,
        precision=precision,
    )
    size = network.preprocessing.input_size
    none = np.zeros((0, size, size, 3), np.float32)
    check_names(folder, labels, network.probabilities(none).shape[-1])
    return network
