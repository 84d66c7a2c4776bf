"""ONNX Runtime on the network as it was run, in ONNX's own operators."""

from collections.abc import Callable

import numpy as np
import onnxruntime
from onnx import ModelProto, numpy_helper, parser

from scripts.benchmarks.answer import channels_first, serve_subjects

# Opset and version are old enough for any runtime of these years. {more} are zeros
# until the last window of conv1 fits: cuda-convnet's rounding up. {kept} is the part of
# the units that dropout keeps, by which they are scaled here.
NETWORK = """
<ir_version: 9, opset_import: ["" : 18]>
alexnet (float[batch, 3, side, side] images) => (float[batch, classes] answer) {{
    conv1 = Conv <strides = [4, 4], pads = [0, 0, {more}, {more}]> (
        images, conv1_kernel, conv1_bias)
    {norm1}
    pool1 = MaxPool <kernel_shape = [3, 3], strides = [2, 2]> (norm1)
    relu1 = Relu (pool1)
    conv2 = Conv <group = 2, pads = [2, 2, 2, 2]> (relu1, conv2_kernel, conv2_bias)
    relu2 = Relu (conv2)
    {norm2}
    square = Mul (norm2, norm2)
    mean = AveragePool <kernel_shape = [5, 5], pads = [2, 2, 2, 2],
        count_include_pad = 1> (square)
    alpha = Constant <value_float = 0.001> ()
    scaled = Mul (mean, alpha)
    one = Constant <value_float = 1.0> ()
    raised = Add (scaled, one)
    beta = Constant <value_float = 0.75> ()
    power = Pow (raised, beta)
    in_map = Div (norm2, power)
    pool2 = MaxPool <kernel_shape = [3, 3], strides = [2, 2]> (in_map)
    conv3 = Conv <pads = [1, 1, 1, 1]> (pool2, conv3_kernel, conv3_bias)
    relu3 = Relu (conv3)
    conv4 = Conv <group = 2, pads = [1, 1, 1, 1]> (relu3, conv4_kernel, conv4_bias)
    relu4 = Relu (conv4)
    conv5 = Conv <group = 2, pads = [1, 1, 1, 1]> (relu4, conv5_kernel, conv5_bias)
    relu5 = Relu (conv5)
    pool5 = MaxPool <kernel_shape = [3, 3], strides = [2, 2]> (relu5)
    flat = Flatten (pool5)
    kept = Constant <value_float = {kept}> ()
    fc6 = Gemm <transB = 1> (flat, fc6_kernel, fc6_bias)
    relu6 = Relu (fc6)
    drop6 = Mul (relu6, kept)
    fc7 = Gemm <transB = 1> (drop6, fc7_kernel, fc7_bias)
    relu7 = Relu (fc7)
    drop7 = Mul (relu7, kept)
    fc8 = Gemm <transB = 1> (drop7, fc8_kernel, fc8_bias)
    answer = Softmax <axis = 1> (fc8)
}}
"""
# Of each tower's maps. ONNX divides alpha by the size.
NORM = """
    {x}_a, {x}_b = Split <axis = 1, num_outputs = 2> ({x})
    {y}_a = LRN <size = 5, alpha = 0.0001, beta = 0.75, bias = 2.0> ({x}_a)
    {y}_b = LRN <size = 5, alpha = 0.0001, beta = 0.75, bias = 2.0> ({x}_b)
    {y} = Concat <axis = 1> ({y}_a, {y}_b)
"""


def network(job: dict) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function from images, channels last, to probabilities."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = job["threads"]
    session = onnxruntime.InferenceSession(
        _model(job).SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def answer(images: np.ndarray) -> np.ndarray:
        moved = np.ascontiguousarray(np.moveaxis(images, -1, 1))
        return session.run(None, {"images": moved})[0]

    return answer


def _model(job: dict) -> ModelProto:
    text = NETWORK.format(
        more=(11 - job["side"]) % 4,
        kept=1 - job["dropout"],
        norm1=NORM.format(x="conv1", y="norm1"),
        norm2=NORM.format(x="relu2", y="norm2"),
    )
    model = parser.parse_model(text)
    for name, array in channels_first(job["weights"]).items():
        tensor = numpy_helper.from_array(array, name.replace("/", "_"))
        model.graph.initializer.append(tensor)
    return model


if __name__ == "__main__":
    serve_subjects(inference=network)
