"""ONNX Runtime on the network as it was run, in ONNX's own operators."""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from worker import Task, serve

GROUPS = (1, 2, 1, 2, 2)
OPSET, IR_VERSION = 18, 9  # old enough for any runtime of these years


def prepare(job: dict[str, Any]) -> Task:
    """Make the answer to a batch of random pictures."""
    shape = (job["batch_size"], job["side"], job["side"], 3)
    images = np.random.default_rng(0).normal(0, 60, shape).astype("float32")
    answer = network(job)
    return Task(lambda: answer(images), {"onnxruntime": onnxruntime.__version__})


def check(job: dict[str, Any]) -> np.ndarray:
    """Return the probabilities of the pictures."""
    return network(job)(np.load(job["images"]))


def network(job: dict[str, Any]) -> Callable[[np.ndarray], np.ndarray]:
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
        channels_first = np.ascontiguousarray(np.moveaxis(images, -1, 1))
        return session.run(None, {"images": channels_first})[0]

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
            self.convolve(number)
            self.after(number)
        self.add("Flatten")
        for number in (6, 7, 8):
            self.multiply(number)
            if number < 8:
                self.add("Relu")
                self.add("Mul", self.constant(np.float32(1 - self.dropout)))
        self.add("Softmax", axis=1)
        shape = ("batch", 3, self.side, self.side)
        classes = len(self.weights["fc8/bias"])
        images = helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)
        answer = helper.make_tensor_value_info(
            self.last, TensorProto.FLOAT, ("batch", classes)
        )
        graph = helper.make_graph(
            self.nodes, "alexnet", [images], [answer], self.constants
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)

    def add(
        self, kind: str, *more: str, taking: str | None = None, **fields: Any
    ) -> str:
        """Add an operator of the last output and more inputs; return its output."""
        name = f"{kind}_{len(self.nodes)}"
        inputs = [taking or self.last, *more]
        self.nodes.append(helper.make_node(kind, inputs, [name], **fields))
        self.last = name
        return name

    def constant(self, value: np.ndarray) -> str:
        """Add a constant and return its name."""
        name = f"constant_{len(self.constants)}"
        array = np.ascontiguousarray(value)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def convolve(self, number: int) -> None:
        """Add conv1 to conv5."""
        kernel = self.weights[f"conv{number}/kernel"]
        around = kernel.shape[0] // 2
        # Zeros until the last window fits: cuda-convnet's rounding up.
        more = (11 - self.side) % 4
        self.add(
            "Conv",
            self.constant(kernel.transpose(3, 2, 0, 1)),
            self.constant(self.weights[f"conv{number}/bias"]),
            group=GROUPS[number - 1],
            strides=[4, 4] if number == 1 else [1, 1],
            pads=[0, 0, more, more] if number == 1 else [around] * 4,
        )

    def after(self, number: int) -> None:
        """Add what follows a convolution."""
        if number == 1:
            self.norm_towers(self.weights["conv1/kernel"].shape[-1])
            self.pool()
        self.add("Relu")
        if number == 2:
            self.norm_towers(self.weights["conv2/kernel"].shape[-1])
            self.norm_in_map()
            self.pool()
        if number == 5:
            self.pool()

    def pool(self) -> None:
        """Add a pooling of overlapping windows."""
        self.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2])

    def norm_towers(self, maps: int) -> None:
        """Add the normalisation of each tower's maps."""
        whole, towers = self.last, []
        for first in (0, maps // 2):
            ends = (first, first + maps // 2, 1)
            start, stop, axis = (self.constant(np.array([end])) for end in ends)
            self.add("Slice", start, stop, axis, taking=whole)
            # ONNX divides alpha by the size.
            towers.append(self.add("LRN", size=5, alpha=1e-4, beta=0.75, bias=2.0))
        self.add("Concat", towers[1], taking=towers[0], axis=1)

    def norm_in_map(self) -> None:
        """Add the normalisation over 5 x 5 pixels of a map."""
        before = self.last
        self.add("Mul", before)
        self.add("AveragePool", kernel_shape=[5, 5], pads=[2] * 4, count_include_pad=1)
        self.add("Mul", self.constant(np.float32(0.001)))
        self.add("Add", self.constant(np.float32(1.0)))
        power = self.add("Pow", self.constant(np.float32(0.75)))
        self.add("Div", power, taking=before)

    def multiply(self, number: int) -> None:
        """Add fc6 to fc8."""
        kernel = self.weights[f"fc{number}/kernel"]
        if number == 6:
            # Ours flattens channels last, ONNX channels first.
            maps = self.weights["conv5/kernel"].shape[-1]
            side = round((kernel.shape[0] / maps) ** 0.5)
            kernel = kernel.reshape(side, side, maps, -1).transpose(2, 0, 1, 3)
            kernel = kernel.reshape(side * side * maps, -1)
        bias = self.constant(self.weights[f"fc{number}/bias"])
        self.add("Gemm", self.constant(kernel), bias)


if __name__ == "__main__":
    serve(prepare, check)
