"""What each kind of layer is in ONNX's operators, channels first."""

import math
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_alexnet.export.onnx_nodes import OnnxNodes
from keras_alexnet.layers import (
    GroupedConv2D,
    InMapResponseNormalization,
    InvertedDropout,
    LocallyConnected2D,
    LocalResponseNormalization,
    OriginalDropout,
)
from keras_alexnet.layers.lenet import (
    C3_INPUTS,
    LAYOUT,
    EuclideanOutput,
    PartialConv2D,
    Subsampling,
    scaled_tanh,
)
from tfrecords.errors import UserError

# Kernels are (rows, columns, inputs, outputs) in Keras, and maps channels last.
_OIHW = (3, 2, 0, 1)
_CHW = (2, 0, 1, 3)
_NHWC = (0, 2, 3, 1)
_HWNC = (2, 3, 0, 1)  # and back again


def add_layer(graph: OnnxNodes, layer: keras.Layer) -> None:
    """Add what a layer computes at inference to the end of a graph.

    Zeros before a convolution become its own; the factor of a dropout, and the order
    of what was maps, part of the kernel that follows.

    Raises:
        UserError: A kind of layer, or an activation, that is none of ours.
    """
    add = _LAYERS.get(type(layer))
    if add is None or getattr(layer, "data_format", LAYOUT) != LAYOUT:
        known = ", ".join(kind.__name__ for kind in _LAYERS)
        raise UserError(
            f"Expected layers of these kinds for ONNX, {LAYOUT}: {known}. Received: "
            f"{layer.name}, a {type(layer).__name__}. Export this network as a "
            "SavedModel."
        )
    graph.begin(layer.name)
    add(graph, layer)
    graph.end()


def _values(weight: Any) -> np.ndarray:
    return keras.ops.convert_to_numpy(weight).astype(np.float32, copy=False)


def _same_zeros(
    layer: keras.Layer, window: tuple[int, ...], dilation: tuple[int, ...] = (1, 1)
) -> list[int]:
    """Return [top, left, bottom, right] of a layer, the odd zero at the end."""
    if layer.padding == "valid":
        return [0, 0, 0, 0]
    sides = zip(layer.input.shape[1:3], window, layer.strides, dilation, strict=True)
    missing = [
        max((math.ceil(size / stride) - 1) * stride + (side - 1) * step + 1 - size, 0)
        for size, side, stride, step in sides
    ]
    return [n // 2 for n in missing] + [n - n // 2 for n in missing]


def _pad(graph: OnnxNodes, layer: layers.ZeroPadding2D) -> None:
    (top, bottom), (left, right) = layer.padding
    zeros = graph.array("pads", [0, 0, top, left, 0, 0, bottom, right], np.int64)
    graph.add("Pad", graph.tensor, zeros)


def _convolve(graph: OnnxNodes, layer: layers.Conv2D) -> None:
    _convolve_by(graph, layer, _values(layer.kernel))


def _convolve_partly(graph: OnnxNodes, layer: PartialConv2D) -> None:
    """C3 of LeNet-5: zeros where a map does not see another."""
    links = _values(layer.weights[0])
    kernel = np.zeros((*links.shape[:2], 6, len(C3_INPUTS)), np.float32)
    seen = [(i, o) for o, inputs in enumerate(C3_INPUTS) for i in inputs]
    for link, (source, target) in enumerate(seen):
        kernel[:, :, source, target] = links[:, :, link]
    _convolve_by(graph, layer, kernel)


def _convolve_by(graph: OnnxNodes, layer: layers.Conv2D, kernel: np.ndarray) -> None:
    pads = _same_zeros(layer, layer.kernel_size, layer.dilation_rate)
    around = graph.take_back("Pad", ".pads")
    if around is not None:
        sides = around.reshape(2, 4)[:, 2:].ravel()  # without batch and channels
        pads = [own + int(more) for own, more in zip(pads, sides, strict=True)]
    arrays = [graph.array("kernel", kernel.transpose(_OIHW))]
    if layer.use_bias:
        arrays.append(graph.array("bias", _values(layer.bias)))
    graph.add(
        "Conv",
        graph.tensor,
        *arrays,
        kernel_shape=layer.kernel_size,
        strides=layer.strides,
        dilations=layer.dilation_rate,
        group=layer.groups,
        pads=pads,
    )
    _activate(graph, layer)


def _convolve_unshared(graph: OnnxNodes, layer: LocallyConnected2D) -> None:
    """Multiply the windows of all images at a place by its kernel, as Keras does."""
    kernel = _values(layer.kernel)
    rows, columns, *window, _, filters = kernel.shape
    x = graph.add("Transpose", graph.tensor, perm=_HWNC)
    before, after = zip(*layer.zeros(), strict=True)
    if any(before + after):
        zeros = graph.array("zeros", [*before, 0, 0, *after, 0, 0], np.int64)
        x = graph.add("Pad", x, zeros)
    slices = []
    for i, j in np.ndindex(*window):
        first = graph.array(f"first_{i}_{j}", [i, j], np.int64)
        last = graph.array(f"last_{i}_{j}", [i + rows, j + columns], np.int64)
        slices.append(graph.add("Slice", x, first, last))
    kernels = graph.array("kernel", kernel.reshape(rows, columns, -1, filters))
    graph.add("MatMul", graph.add("Concat", *slices, axis=3), kernels)
    if layer.use_bias:
        biases = _values(layer.bias)[:, :, None]
        graph.add("Add", graph.tensor, graph.array("bias", biases))
    graph.add("Transpose", graph.tensor, perm=_HWNC)
    _activate(graph, layer)


def _activate(graph: OnnxNodes, layer: keras.Layer) -> None:
    """Add a layer's activation, fused or on its own."""
    chosen = layer.activation
    if chosen is keras.activations.relu:
        graph.add("Relu", graph.tensor)
    elif chosen is keras.activations.tanh:
        graph.add("Tanh", graph.tensor)
    elif chosen is scaled_tanh:
        _squash(graph)
    elif chosen is not keras.activations.linear:
        raise UserError(
            "Expected the activation relu, tanh, scaled_tanh or linear for ONNX. "
            f"Received: {getattr(chosen, '__name__', chosen)} in {layer.name}."
        )


def _squash(graph: OnnxNodes) -> None:
    """Add `scaled_tanh`."""
    inner = graph.add("Mul", graph.tensor, graph.array("slope", 2 / 3))
    graph.add("Mul", graph.add("Tanh", inner), graph.array("amplitude", 1.7159))


def _pool(graph: OnnxNodes, layer: Any) -> None:
    largest = isinstance(layer, layers.MaxPooling2D)
    # Averages are of the pixels that are there, as TensorFlow has them.
    more = {} if largest else {"count_include_pad": 0}
    graph.add(
        "MaxPool" if largest else "AveragePool",
        graph.tensor,
        kernel_shape=layer.pool_size,
        strides=layer.strides,
        pads=_same_zeros(layer, layer.pool_size),
        **more,
    )


def _subsample(graph: OnnxNodes, layer: Subsampling) -> None:
    """Sum 2 x 2 pixels of each map by a kernel of equal weights."""
    coefficient = _values(layer.coefficient)
    maps = len(coefficient)
    kernel = np.broadcast_to(coefficient[:, None, None, None], (maps, 1, 2, 2))
    graph.add(
        "Conv",
        graph.tensor,
        graph.array("kernel", kernel),
        graph.array("bias", _values(layer.bias)),
        kernel_shape=(2, 2),
        strides=(2, 2),
        group=maps,
    )
    _squash(graph)


def _normalise(graph: OnnxNodes, layer: LocalResponseNormalization) -> None:
    """Normalise across channels; groups lie along the batch meanwhile."""
    height, width, channels = layer.input.shape[1:]
    depth = channels // layer.groups
    size = 2 * min(layer.depth_radius, depth - 1) + 1
    alpha = layer.alpha * size  # ONNX divides by the size
    if np.float32(alpha) == 0:  # which ONNX Runtime refuses
        factor = np.float64(layer.bias) ** -layer.beta
        graph.add("Mul", graph.tensor, graph.array("factor", factor))
        return
    if layer.groups > 1:
        apart = graph.array("apart", (-1, depth, height, width), np.int64)
        graph.add("Reshape", graph.tensor, apart)
    floats = {"alpha": alpha, "beta": layer.beta, "bias": layer.bias}
    constants = {name: float(value) for name, value in floats.items()}
    graph.add("LRN", graph.tensor, size=size, **constants)
    if layer.groups > 1:
        joined = graph.array("joined", (-1, channels, height, width), np.int64)
        graph.add("Reshape", graph.tensor, joined)


def _normalise_in_map(graph: OnnxNodes, layer: InMapResponseNormalization) -> None:
    """Normalise by the places around; no operator of ONNX does it."""
    x = graph.tensor
    mean = graph.add(
        "AveragePool",
        graph.add("Mul", x, x),
        kernel_shape=(layer.size, layer.size),
        strides=(1, 1),
        pads=[layer.size // 2] * 4,
        count_include_pad=1,  # a sum over what is there, at the border too
    )
    total = graph.add("Mul", mean, graph.array("alpha", layer.alpha * layer.size**2))
    scale = graph.add("Add", total, graph.array("bias", layer.bias))
    if layer.beta == 0.75:  # two roots take a third of the time of a power
        root = graph.add("Sqrt", scale)
        power = graph.add("Mul", root, graph.add("Sqrt", root))
    else:
        power = graph.add("Pow", scale, graph.array("beta", layer.beta))
    graph.add("Div", x, power)


def _flatten(graph: OnnxNodes, layer: layers.Flatten) -> None:
    graph.flattened = layer.input.shape[1:]
    if any(side > 1 for side in graph.flattened[:-1]):
        graph.add("Transpose", graph.tensor, perm=_NHWC)
    graph.add("Flatten", graph.tensor, axis=1)


def _pass_on(graph: OnnxNodes, layer: layers.Dropout) -> None:
    """Add nothing: inverted dropout is the identity at inference."""


def _scale(graph: OnnxNodes, layer: OriginalDropout) -> None:
    graph.add("Mul", graph.tensor, graph.array("kept", 1 - layer.rate))


def _connect(graph: OnnxNodes, layer: layers.Dense) -> None:
    kernel = _values(layer.kernel)
    kept = graph.take_back("Mul", ".kept")
    if kept is not None:
        kernel = kernel * kept
    if graph.take_back_transposition():
        rows = kernel.reshape(*graph.flattened, -1)
        kernel = rows.transpose(_CHW).reshape(kernel.shape)
    arrays = [graph.array("kernel", kernel)]
    if layer.use_bias:
        arrays.append(graph.array("bias", _values(layer.bias)))
    graph.add("Gemm", graph.tensor, *arrays)
    _activate(graph, layer)


def _measure(graph: OnnxNodes, layer: EuclideanOutput) -> None:
    """Add negated squared distances to the codes."""
    rows = graph.array("axes", [1], np.int64)
    codes = graph.array("codes", _values(layer.codes))
    each = graph.add("Sub", graph.add("Unsqueeze", graph.tensor, rows), codes)
    graph.add("Neg", graph.add("ReduceSumSquare", each, axes=[2], keepdims=0))


# Layer, of exactly this class -> what adds its nodes.
_LAYERS: dict[type[keras.Layer], Callable[[OnnxNodes, Any], None]] = {
    layers.Activation: _activate,
    layers.AveragePooling2D: _pool,
    layers.Conv2D: _convolve,
    layers.Dense: _connect,
    layers.Dropout: _pass_on,
    layers.Flatten: _flatten,
    layers.MaxPooling2D: _pool,
    layers.ZeroPadding2D: _pad,
    EuclideanOutput: _measure,
    GroupedConv2D: _convolve,
    InMapResponseNormalization: _normalise_in_map,
    InvertedDropout: _pass_on,
    LocallyConnected2D: _convolve_unshared,
    LocalResponseNormalization: _normalise,
    OriginalDropout: _scale,
    PartialConv2D: _convolve_partly,
    Subsampling: _subsample,
}
