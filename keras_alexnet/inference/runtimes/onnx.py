"""A network that ONNX Runtime runs on the CPU, from a file."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.inference.runtimes import InferencePrecision, check_precision
from keras_alexnet.inference.runtimes.image_shape import check_images
from tfrecords.errors import UserError
from tfrecords.processes import available_cores

FATAL = 4  # what the library may write to stderr; errors are raised as well


def open_network(
    source: Any, *, precision: InferencePrecision = "float32"
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images to class probabilities, on all cores.

    Args:
        source: Path of a `network.onnx` of ours.
        precision: float32, in which the file is.

    Returns:
        A function of float32 `(batch, size, size, channels)` or `(batch, views, size,
        size, channels)`, mean subtracted, to float32 `(batch, classes)`, averaged over
        the views. It raises UserError for images of another shape, and for more of
        them than the memory holds.

    Raises:
        UserError: The source is no path of such a file, the file is damaged or another
            network, the `onnxruntime` package is missing, or another precision.
    """
    check_precision(precision)
    if not isinstance(source, str | os.PathLike):
        raise UserError(
            f"Expected an ONNX file for --runtime onnx, got a {type(source).__name__}. "
            "Make one first with: alexnet export NETWORK OUT --to onnx"
        )
    if precision != "float32":
        raise UserError(f"Expected float32 for an ONNX file, got {precision}.")
    return _probabilities(_session(_import_onnxruntime(), Path(source)))


def _probabilities(session: Any) -> Callable[[np.ndarray], np.ndarray]:
    _, channels, *sides = session.get_inputs()[0].shape
    shape = (*sides, channels)
    classes = session.get_outputs()[0].shape[1]

    def probabilities(images: np.ndarray) -> np.ndarray:
        images = np.asarray(images, np.float32)
        check_images(images.shape, shape)
        if not images.size:
            return np.zeros((len(images), classes), np.float32)
        flat = images.reshape(-1, *shape).transpose(0, 3, 1, 2)
        given = {"images": np.ascontiguousarray(flat)}
        try:
            (rows,) = session.run(["probabilities"], given)
        except Exception as error:
            raise UserError(
                f"ONNX Runtime has no answer to {len(flat)} images at once: "
                f"{_line(error)} Take fewer if it is the memory, or export anew."
            ) from None
        return rows.reshape(len(images), -1, classes).mean(axis=1)

    return probabilities


def _session(onnxruntime: Any, path: Path) -> Any:
    """Open a file, and check that it is a network of ours."""
    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = available_cores()
    options.log_severity_level = FATAL
    if not path.is_file():
        raise UserError(_damaged(path, "no file"))
    own = {"providers": ["CPUExecutionProvider"], "enable_fallback": False}
    try:
        session = onnxruntime.InferenceSession(path, options, **own)
    except Exception as error:  # its classes have no other base
        raise UserError(_damaged(path, _line(error))) from None
    (*_, images), outputs = session.get_inputs(), session.get_outputs()
    names = [images.name, outputs[0].name]
    if names != ["images", "probabilities"] or len(images.shape) != 4:
        raise UserError(
            _damaged(path, f"{names[0]} {images.shape} and {names[1]} as first output")
        )
    return session


def _line(error: Exception) -> str:
    return " ".join(str(error).split())


def _damaged(path: Path, found: str) -> str:
    return (
        f"Expected a network of `alexnet export NETWORK OUT --to onnx` in {path}, "
        f"found: {found}"
    )


def _import_onnxruntime() -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise UserError(
            "Expected the package onnxruntime for --runtime onnx, found none. "
            "Install it with: pip install 'keras-alexnet[onnx]'"
        ) from None
    return onnxruntime
