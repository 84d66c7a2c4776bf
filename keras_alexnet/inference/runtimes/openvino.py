"""A network that OpenVINO runs on the CPU instead of TensorFlow."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.inference.probabilities import view_probabilities
from keras_alexnet.inference.runtimes import InferencePrecision, check_precision
from keras_alexnet.inference.runtimes.image_shape import check_images
from keras_alexnet.layers.kernel_forms import NATIVE, use_forms
from tfrecords.errors import UserError

# Always said: of itself OpenVINO takes bfloat16 on machines that have it.
PRECISION_HINTS = {"float32": "f32", "mixed_bfloat16": "bf16"}
CHANNELS = 3
# Compiled at a time, each with its own copy of the weights: those of full batches and
# of the last one; three of a server, which has more and smaller ones.
KEPT_SIZES = 3


def open_network(
    source: Any, *, precision: InferencePrecision = "float32"
) -> "OpenVINONetwork":
    """Return a function from images to class probabilities.

    Args:
        source: A float32 Keras model; a loaded SavedModel of ours, which has to have
            the signature `portable`; or the path of a `network.xml` or `network.onnx`
            of ours.
        precision: See `OpenVINONetwork`.

    Raises:
        UserError: The `openvino` package is missing, the file is damaged or another
            network, or another precision.
    """
    check_precision(precision)
    core = _core(_import_openvino())
    if isinstance(source, Path):
        return OpenVINONetwork(_read(core, source), precision=precision)
    if not hasattr(source, "signatures"):
        return OpenVINONetwork(model_graph(source), precision=precision)
    portable = source.signatures["portable"]
    graph = _converted(
        core,
        lambda images: portable(images=images)["probabilities"],
        source,
        portable.structured_input_signature[1]["images"].shape[1],
    )
    return OpenVINONetwork(graph, precision=precision)


def model_graph(model: Any) -> Any:
    """Return OpenVINO's graph of a float32 Keras model.

    It takes `images` `(batch, size, size, 3)` and gives `probabilities`.

    Raises:
        UserError: The `openvino` package is missing.
    """
    core, size = _core(_import_openvino()), model.input_shape[1]
    return _converted(core, view_probabilities(model), model, size)


class OpenVINONetwork:
    """Class probabilities from images, computed by OpenVINO.

    The graph is compiled for each batch size, which makes it a fifth faster than one
    for any size; preprocessing stays outside.

    Args:
        graph: From float32 `(batch, size, size, 3)`, or `(batch, 3, size, size)`, to
            probabilities `(batch, classes)`, its first output.
        precision: float32, equal to TensorFlow's results within 1e-4; mixed_bfloat16
            is faster where the processor has it.

    Raises:
        UserError: The `openvino` package is missing, or another precision.
    """

    def __init__(
        self, graph: Any, *, precision: InferencePrecision = "float32"
    ) -> None:
        check_precision(precision)
        self._core = _core(_import_openvino())
        self._graph = graph
        sides = _sides(graph)
        self._channels_first = sides[0] == CHANNELS
        self._image = [*sides[1:], CHANNELS] if self._channels_first else sides
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
        images = np.asarray(images, np.float32)
        check_images(images.shape, self._image)
        if not images.size:
            classes = self._graph.output(0).partial_shape[1].get_length()
            return np.zeros((len(images), classes), np.float32)
        flat = images.reshape(-1, *images.shape[-3:])
        if self._channels_first:
            flat = flat.transpose(0, 3, 1, 2)
        flat = np.ascontiguousarray(flat)
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


def _converted(core: Any, probabilities: Callable, owner: Any, size: int) -> Any:
    """Return OpenVINO's graph of a function of images.

    It is read from a SavedModel, which takes a tenth of the time of a frozen graph.

    Args:
        core: OpenVINO's.
        probabilities: TensorFlow function from float32 `(batch, size, size, 3)` to
            probabilities `(batch, classes)`.
        owner: What keeps the variables of the function: a model, or a loaded one.
        size: Side of the images in pixels.
    """
    spec = tf.TensorSpec((None, size, size, CHANNELS), tf.float32, "images")
    module = tf.Module()
    module.owner = owner

    def named(images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"probabilities": probabilities(images)}

    with use_forms(NATIVE), tempfile.TemporaryDirectory() as folder:
        answer = tf.function(named, input_signature=[spec], autograph=False)
        tf.saved_model.save(module, folder, {"serving_default": answer})
        return core.read_model(folder)


def _read(core: Any, path: Path) -> Any:
    """Read a file of ours, and check that it is one."""
    try:
        graph = core.read_model(path)
        names = [graph.input().get_any_name(), graph.output(0).get_any_name()]
        if names == ["images", "probabilities"] and CHANNELS in _sides(graph):
            return graph
        found = f"{names[0]} {graph.input().partial_shape} and {names[1]}"
    except RuntimeError as error:
        found = " ".join(str(error).split())
    raise UserError(
        f"Expected a network of `alexnet export NETWORK OUT` in {path}, found: {found}"
    )


def _sides(graph: Any) -> list[int]:
    """Return rows, columns and channels of the images, as they are ordered."""
    return [side.get_length() for side in list(graph.input().partial_shape)[1:]]


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
