"""A network that OpenVINO runs on the CPU instead of TensorFlow."""

import functools
import tempfile
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.inference.probabilities import view_probabilities
from keras_alexnet.inference.runtimes import InferencePrecision, check_precision
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from tfrecords.errors import UserError

# Always said: of itself OpenVINO takes bfloat16 on machines that have it.
PRECISION_HINTS = {"float32": "f32", "mixed_bfloat16": "bf16"}
# Compiled at a time, each with its own copy of the weights: those of full batches and
# of the last one; three of a server, which has more and smaller ones.
KEPT_SIZES = 3


def open_network(
    source: Any, *, precision: InferencePrecision = "float32"
) -> "OpenVINONetwork":
    """Return a function from images to class probabilities.

    Args:
        source: A float32 Keras model, or a loaded SavedModel of ours, which has to have
            the signature `portable`.
        precision: See `OpenVINONetwork`.

    Raises:
        UserError: The `openvino` package is missing, or another precision.
    """
    if not hasattr(source, "signatures"):
        size = source.input_shape[1]
        probabilities = view_probabilities(source)
        return OpenVINONetwork(probabilities, source, size, precision=precision)
    portable = source.signatures["portable"]
    return OpenVINONetwork(
        lambda images: portable(images=images)["probabilities"],
        source,
        portable.structured_input_signature[1]["images"].shape[1],
        precision=precision,
    )


class OpenVINONetwork:
    """Class probabilities from images, computed by OpenVINO.

    The graph is converted once and compiled for each batch size, which makes it a
    fifth faster than one for any size; preprocessing stays outside.

    Args:
        probabilities: TensorFlow function from float32 `(batch, size, size, 3)` to
            probabilities `(batch, classes)`.
        owner: What keeps the variables of the function: a model, or a loaded one.
        image_size: Side of its images in pixels.
        precision: float32, equal to TensorFlow's results within 1e-4; mixed_bfloat16
            is faster where the processor has it.

    Raises:
        UserError: The `openvino` package is missing, or another precision.
    """

    def __init__(
        self,
        probabilities: Callable[[tf.Tensor], tf.Tensor],
        owner: Any,
        image_size: int,
        *,
        precision: InferencePrecision = "float32",
    ) -> None:
        check_precision(precision)
        self._core = _core(_import_openvino())
        spec = tf.TensorSpec((None, image_size, image_size, 3), tf.float32, "images")
        self._graph = _converted(self._core, probabilities, owner, spec)
        self._options = {
            "INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision],
            # One stream that has all cores: a batch of its own keeps them busy.
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._requests: dict[int, Any] = {}

    @property
    def inference_precision(self) -> str:
        """What OpenVINO computes in: f32 where the processor has no bfloat16."""
        compiled = self._compiled_for(1).get_compiled_model()
        return compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()

    def __call__(self, images: np.ndarray | tf.Tensor) -> np.ndarray:
        """Return probabilities, averaged over the views where there are several.

        Args:
            images: float32 `(batch, size, size, 3)` or `(batch, views, size, size, 3)`,
                mean subtracted.

        Returns:
            float32 `(batch, classes)`.
        """
        images = np.asarray(images)
        if not len(images):
            return np.zeros(
                (0, self._graph.output(0).partial_shape[1].get_length()), np.float32
            )
        flat = np.ascontiguousarray(images.reshape(-1, *images.shape[-3:]))
        answer = self._compiled_for(len(flat)).infer([flat], share_inputs=True)
        rows = answer[0].reshape(len(images), -1, answer[0].shape[-1])
        return rows.mean(axis=1)

    def _compiled_for(self, rows: int) -> Any:
        if rows not in self._requests:
            if len(self._requests) == KEPT_SIZES:
                del self._requests[next(iter(self._requests))]
            graph = self._graph.clone()
            graph.reshape([rows, *list(graph.input().partial_shape)[1:]])
            compiled = self._core.compile_model(graph, "CPU", self._options)
            self._requests[rows] = compiled.create_infer_request()
        return self._requests[rows]


def _converted(
    core: Any, probabilities: Callable, owner: Any, spec: tf.TensorSpec
) -> Any:
    """Return OpenVINO's graph of a function.

    It is read from a SavedModel, which takes a tenth of the time of a frozen graph.
    """
    module = tf.Module()
    module.owner = owner
    with use_forms(NATIVE), tempfile.TemporaryDirectory() as folder:
        answer = tf.function(probabilities, input_signature=[spec], autograph=False)
        tf.saved_model.save(module, folder, {"serving_default": answer})
        return core.read_model(folder)


@functools.cache
def _core(openvino: Any) -> Any:
    """Return the one core of this process.

    Each core changes the stack that signals are handled on and puts it back when it
    goes. Several that do not go in reverse order leave one that is freed, and the next
    signal, Ctrl-C too, ends the process with SIGSEGV.
    """
    return openvino.Core()


def _import_openvino() -> Any:
    try:
        import openvino
    except ImportError:
        raise UserError(
            "Expected the package openvino for --runtime openvino, found none. "
            "Install it with: pip install 'keras-alexnet[openvino]'"
        ) from None
    return openvino
