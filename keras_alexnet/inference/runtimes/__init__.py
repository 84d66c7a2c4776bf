"""What computes a trained network: a file each, with an `open_network`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

from keras_alexnet.registry import Registry
from tfrecords.errors import UserError

OpenNetwork = Callable[..., Callable[[Any], Any]]

# `open_network(source, *, precision)` takes a float32 Keras model or a loaded
# SavedModel of ours, or the path of the file that the runtime is for, and gives a
# function from images, float32 `(batch, size, size, 3)` or `(batch, views, size, size,
# 3)` with the mean subtracted, to probabilities, float32 `(batch, classes)`.
RUNTIMES: Registry[OpenNetwork] = Registry(
    "runtime",
    {
        "tensorflow": "keras_alexnet.inference.runtimes.tensorflow:open_network",
        "openvino": "keras_alexnet.inference.runtimes.openvino:open_network",
        "onnx": "keras_alexnet.inference.runtimes.onnx:open_network",
        "litert": "keras_alexnet.inference.runtimes.litert:open_network",
    },
)

# Of the layers; probabilities are float32.
InferencePrecision = Literal["float32", "mixed_bfloat16"]
PRECISIONS: tuple[InferencePrecision, ...] = ("float32", "mixed_bfloat16")

if TYPE_CHECKING:
    RuntimeName = str
else:
    RuntimeName = Literal[tuple(RUNTIMES)]  # what the command line takes


def check_precision(precision: str) -> None:
    """Raise UserError for a precision that no runtime knows."""
    if precision not in PRECISIONS:
        raise UserError(
            f"Expected a precision of {', '.join(PRECISIONS)}. Received: {precision!r}"
        )
