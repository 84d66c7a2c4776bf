"""Which folder is what: a run, a network folder or an export, opened as one thing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.inference.runtimes import (
    InferencePrecision,
    RuntimeName,
    check_precision,
)
from keras_alexnet.trained.config_file import NetworkConfig, read_config
from keras_alexnet.trained.converted import converted_file, open_converted
from keras_alexnet.trained.exported import ExportedNetwork
from keras_alexnet.trained.names import CONFIG_FILE, EXTRA
from keras_alexnet.trained.network import TrainedNetwork
from tfrecords import Statistics
from tfrecords.dataset.folder_names import check_model_folder
from tfrecords.dataset.labels import read_labels
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import UserError
from tfrecords.files import local_path

SAVED_MODEL_FILE = "saved_model.pb"


def load(
    path: Path | str,
    *,
    runtime: RuntimeName | None = None,
    precision: InferencePrecision = "float32",
) -> TrainedNetwork:
    """Open a trained network, wherever it lies.

    Args:
        path: A run folder, whose best epoch is taken; a network folder; a SavedModel
            export, whose newest version is taken, or a version in it; another export.
        runtime: Name in `inference.runtimes.RUNTIMES` of what computes the network
            alone: pictures are decoded and cut by TensorFlow with all. None: the
            folder's own, which is TensorFlow but for ONNX, LiteRT and OpenVINO exports.
        precision: float32, or mixed_bfloat16 for the layers. TensorFlow runs an export
            as it is.

    Raises:
        UserError: The folder is none of these or lacks a file; its weights are not
            finite; an export is to run in TensorFlow in another precision, or in
            OpenVINO and lacks a signature for it; the package is missing, or the
            precision unknown.
    """
    check_precision(precision)
    path = local_path(path)
    version, file = _newest_version(path), converted_file(path)
    # An export may lie inside its run folder, which then is a run all the same.
    if version is not None and not (path / CONFIG_FILE).exists():
        return _open_export(version, runtime or "tensorflow", precision)
    if not (path / CONFIG_FILE).exists():
        raise UserError(
            f"Expected a run folder or an exported model in {path}, found neither "
            f"{CONFIG_FILE} nor {SAVED_MODEL_FILE}."
        )
    if file is not None:
        return open_converted(file, runtime, precision)
    # Only here, because an export needs no Keras, which takes a second to import.
    from keras_alexnet.trained.folder import open_network

    return TrainedNetwork(
        *open_network(path),
        path=path,
        runtime=runtime or "tensorflow",
        precision=precision,
    )


def _open_export(
    version: Path, runtime: RuntimeName, precision: InferencePrecision
) -> ExportedNetwork:
    check_model_folder(version)
    loaded = tf.saved_model.load(str(version))
    _check_signatures(version, loaded.signatures, runtime)
    if not all(map(_is_finite, loaded.signatures["serving_default"].variables)):
        raise UserError(
            f"The exported model {version} is of no use: its weights are not finite, "
            "so the training has diverged. Export another run."
        )
    if runtime == "tensorflow" and precision != "float32":
        raise UserError(
            f"Expected precision float32 for the exported model {version}, got "
            f"{precision}. Take --runtime openvino or the run folder for it."
        )
    return ExportedNetwork(
        loaded,
        read_labels(version / "assets"),
        _known(version / EXTRA),
        path=version,
        runtime=runtime,
        precision=precision,
    )


def _known(extra: Path) -> tuple[NetworkConfig, Statistics] | None:
    """Return what an export says of its network; None: an earlier one says nothing."""
    if not (extra / CONFIG_FILE).exists():
        return None
    return read_config(extra), Statistics.load(extra / STATISTICS_FILE)


def _is_finite(variable: tf.Variable) -> bool:
    return not variable.dtype.is_floating or np.isfinite(variable.numpy()).all()


def _check_signatures(
    version: Path, signatures: Mapping[str, Any], runtime: RuntimeName
) -> None:
    more = ("images",) if runtime == "tensorflow" else ("preprocess", "portable")
    for name in ("serving_default", *more):
        if name not in signatures:
            raise UserError(
                f"Expected a signature {name!r} in {version}, found "
                f"{', '.join(sorted(signatures)) or 'none'}: it is an older export, or "
                "no export of ours. Make a new one with: alexnet export RUN OUT."
            )


def _newest_version(path: Path) -> Path | None:
    """Return the folder of a SavedModel, the newest where there are several."""
    if (path / SAVED_MODEL_FILE).exists():
        return path
    files = path.glob(f"*/{SAVED_MODEL_FILE}")
    versions = [file.parent for file in files if file.parent.name.isdecimal()]
    return max(versions, key=lambda version: int(version.name), default=None)
