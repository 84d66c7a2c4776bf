"""A network that LiteRT (TensorFlow Lite) runs on the CPU, from a file."""

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np

from keras_alexnet.inference.runtimes import InferencePrecision, check_precision
from keras_alexnet.inference.runtimes.image_shape import check_images
from tfrecords.errors import UserError
from tfrecords.processes import available_cores

IMAGES_AT_ONCE = 32  # its memory grows with the largest batch and is kept


def open_network(
    source: Any, *, precision: InferencePrecision = "float32"
) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images to class probabilities, on all cores.

    Args:
        source: Path of a `network.tflite` of ours.
        precision: float32: the file has its own.

    Returns:
        A function of float32 `(batch, size, size, 3)` or `(batch, views, size, size,
        3)`, mean subtracted, to float32 `(batch, classes)`, averaged over the views.
        It raises UserError for images of another shape.

    Raises:
        UserError: The source is no path of such a file, the file is damaged or another
            network, the `ai-edge-litert` package is missing, or another precision.
    """
    check_precision(precision)
    if not isinstance(source, Path):
        raise UserError(
            f"Expected a LiteRT file for --runtime litert, got a "
            f"{type(source).__name__}. Make one first with: alexnet export NETWORK OUT "
            "--to litert"
        )
    if precision != "float32":
        raise UserError(f"Expected float32 for a LiteRT file, got {precision}.")
    return LiteRTNetwork(source)


class LiteRTNetwork:
    """Class probabilities from images, computed by LiteRT; see `open_network`."""

    def __init__(self, path: Path) -> None:
        interpreter = _import_interpreter()
        try:
            # From the file, which it maps: from bytes it would hold them twice.
            opened = interpreter(str(path), num_threads=available_cores())
            self._run = opened.get_signature_runner()
            images = self._run.get_input_details()["images"]
            answer = self._run.get_output_details()["logits"]
        except (ValueError, RuntimeError, KeyError) as error:
            raise UserError(
                f"Expected a network of `alexnet export NETWORK OUT --to litert` in "
                f"{path}, found: {' '.join(str(error).split())}"
            ) from None
        self._shape = tuple(map(int, images["shape_signature"][1:]))
        self._classes = int(answer["shape_signature"][-1])
        self._lock = Lock()  # it has one set of tensors

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return probabilities, averaged over the views where there are several."""
        images = np.asarray(images, np.float32)
        check_images(images.shape, self._shape)
        if not images.size:
            return np.zeros((len(images), self._classes), np.float32)
        flat = images.reshape(-1, *self._shape)
        parts = range(0, len(flat), IMAGES_AT_ONCE)
        with self._lock:
            rows = np.concatenate(
                [self._answer(flat[first : first + IMAGES_AT_ONCE]) for first in parts]
            )
        return rows.reshape(len(images), -1, self._classes).mean(axis=1)

    def _answer(self, images: np.ndarray) -> np.ndarray:
        # Not its probabilities: of 8 bits, they are multiples of 1/256.
        logits = self._run(images=np.ascontiguousarray(images))["logits"]
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)


def _import_interpreter() -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError:
        raise UserError(
            "Expected the package ai-edge-litert for --runtime litert, found none. "
            "Install it with: pip install 'keras-alexnet[litert]'"
        ) from None
    return Interpreter
