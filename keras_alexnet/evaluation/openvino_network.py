"""A network that OpenVINO runs on the CPU instead of TensorFlow."""

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
import tensorflow as tf

from tfrecords.errors import DatasetError

Runtime = Literal["tensorflow", "openvino"]
Precision = Literal["float32", "mixed_bfloat16"]

# Always said: of itself OpenVINO takes bfloat16 on machines that have it.
PRECISION_HINTS = {"float32": "f32", "mixed_bfloat16": "bf16"}


class OpenVINONetwork:
    """Class probabilities from images, computed by OpenVINO.

    The graph is converted and compiled once; preprocessing stays outside.

    Args:
        probabilities: TensorFlow function from float32 `(batch, size, size, 3)` to
            probabilities `(batch, classes)`.
        image_size: Side of its images in pixels.
        precision: float32, equal to TensorFlow's results within 1e-4; mixed_bfloat16
            is faster where the processor has it.

    Attributes:
        inference_precision: What OpenVINO computes in, f32 or bf16: f32 where the
            processor has no bfloat16.

    Raises:
        DatasetError: The `openvino` package is missing.
        ValueError: Another precision.
    """

    def __init__(
        self,
        probabilities: Callable[[tf.Tensor], tf.Tensor],
        image_size: int,
        *,
        precision: Precision = "float32",
    ) -> None:
        if precision not in PRECISION_HINTS:
            raise ValueError(
                f"Expected a precision of {', '.join(PRECISION_HINTS)}. "
                f"Received: {precision!r}"
            )
        openvino = _import_openvino()
        spec = tf.TensorSpec((None, image_size, image_size, 3), tf.float32, "images")
        graph = openvino.convert_model(_frozen(probabilities, spec))
        compiled = openvino.compile_model(
            graph,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision],
                # One stream that has all cores: a batch of its own keeps them busy.
                "PERFORMANCE_HINT": "LATENCY",
            },
        )
        precision_used = compiled.get_property("INFERENCE_PRECISION_HINT")
        self.inference_precision: str = precision_used.get_type_name()
        self._request = compiled.create_infer_request()

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return probabilities, averaged over the views where there are several.

        Args:
            images: float32 `(batch, size, size, 3)` or `(batch, views, size, size, 3)`,
                mean subtracted.

        Returns:
            float32 `(batch, classes)`.
        """
        flat = images.reshape(-1, *images.shape[-3:])
        answer = self._request.infer([np.ascontiguousarray(flat)], share_inputs=True)
        rows = answer[0].reshape(len(images), -1, answer[0].shape[-1])
        return rows.mean(axis=1)


def _frozen(probabilities: Callable, spec: tf.TensorSpec) -> tf.Graph:
    """Trace with weights as constants, and without what the result does not need."""
    # Not part of TensorFlow's public names, and without a public equivalent.
    from tensorflow.python.framework.convert_to_constants import (
        convert_variables_to_constants_v2,
    )

    traced = tf.function(probabilities, autograph=False).get_concrete_function(spec)
    return convert_variables_to_constants_v2(traced).graph


def _import_openvino() -> Any:
    try:
        import openvino
    except ImportError:
        raise DatasetError(
            "Expected the package openvino for --runtime openvino, found none. "
            "Install it with: pip install 'keras-alexnet[openvino]'"
        ) from None
    return openvino
