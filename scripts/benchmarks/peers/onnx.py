"""ONNX Runtime on the network as it was run, in ONNX's own operators."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from scripts.benchmarks.answer import GROUPS, channels_first, serve_network

OPSET, IR_VERSION = 18, 9  # old enough for any runtime of these years


def network(job: dict[str, Any], batch_size: int) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images, channels last, to probabilities."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    with np.load(job["weights"]) as weights:
        model = Graph(weights, job["side"], job["dropout"]).model()
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def answer(images: np.ndarray) -> np.ndarray:
        moved = np.ascontiguousarray(np.moveaxis(images, -1, 1))
        return session.run(None, {"images": moved})[0]

    return answer


class Graph:
    """The operators, one after the other; each takes what the last one gave.

    Args:
        weights: `conv1/kernel` of (height, width, in, out) to `fc8/bias`, as ours.
        side: Of the pictures in pixels.
        dropout: Rate by which the kept units of training are scaled here.
    """

    def __init__(self, weights: Any, side: int, dropout: float) -> None:
        self.weights, self.side, self.dropout = weights, side, dropout
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.last = "images"

    def model(self) -> onnx.ModelProto:
        """Return the whole model, of any number of images."""
        for number in range(1, 6):
            self._convolve(number)
        self._add("Flatten")
        for number in (6, 7, 8):
            kernel, bias = channels_first(self.weights, number)
            self._add("Gemm", self._constant(kernel), self._constant(bias))
            if number < 8:
                self._add("Relu")
                self._add("Mul", self._constant(np.float32(1 - self.dropout)))
        self._add("Softmax", axis=1)
        shapes = {"images": (3, self.side, self.side), self.last: bias.shape}
        images, answer = (
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ("batch", *shape))
            for name, shape in shapes.items()
        )
        graph = helper.make_graph(
            self.nodes, "alexnet", [images], [answer], self.constants
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)

    def _add(
        self, kind: str, *more: str, taking: str | None = None, **fields: Any
    ) -> str:
        """Add an operator of the last output and more inputs; return its output."""
        name = f"{kind}_{len(self.nodes)}"
        inputs = [taking or self.last, *more]
        self.nodes.append(helper.make_node(kind, inputs, [name], **fields))
        self.last = name
        return name

    def _constant(self, value: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(value)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def _convolve(self, number: int) -> None:
        """Add a convolution and what follows it."""
        kernel, bias = (self.weights[f"conv{number}/{n}"] for n in ("kernel", "bias"))
        # conv1 has zeros until the last window fits: cuda-convnet's rounding up.
        more, around = (11 - self.side) % 4, kernel.shape[0] // 2
        self._add(
            "Conv",
            self._constant(kernel.transpose(3, 2, 0, 1)),
            self._constant(bias),
            group=GROUPS[number - 1],
            strides=[4, 4] if number == 1 else [1, 1],
            pads=[0, 0, more, more] if number == 1 else [around] * 4,
        )
        if number == 1:
            self._norm_towers(len(bias))
            self._pool()
        self._add("Relu")
        if number == 2:
            self._norm_towers(len(bias))
            self._norm_in_map()
        if number in (2, 5):
            self._pool()

    def _pool(self) -> None:
        self._add("MaxPool", kernel_shape=[3, 3], strides=[2, 2])

    def _norm_towers(self, maps: int) -> None:
        """Add the normalisation of each tower's maps."""
        whole, towers = self.last, []
        for first in (0, maps // 2):
            ends = (first, first + maps // 2, 1)
            start, stop, axis = (self._constant(np.array([end])) for end in ends)
            self._add("Slice", start, stop, axis, taking=whole)
            # ONNX divides alpha by the size.
            towers.append(self._add("LRN", size=5, alpha=1e-4, beta=0.75, bias=2.0))
        self._add("Concat", towers[1], taking=towers[0], axis=1)

    def _norm_in_map(self) -> None:
        """Add the normalisation over 5 x 5 pixels of a map."""
        before = self.last
        self._add("Mul", before)
        self._add("AveragePool", kernel_shape=[5, 5], pads=[2] * 4, count_include_pad=1)
        for kind, number in (("Mul", 0.001), ("Add", 1.0), ("Pow", 0.75)):
            self._add(kind, self._constant(np.float32(number)))
        self._add("Div", self.last, taking=before)


if __name__ == "__main__":
    serve_network(network, onnxruntime=onnxruntime.__version__)
