"""What convolutions, subsamplings and activations are in ONNX, channels first."""

import math
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_alexnet.export.onnx_nodes import OnnxNodes
from keras_alexnet.layers import LocallyConnected2D
from keras_alexnet.layers.lenet import (
    BACKGROUND,
    C3_INPUTS,
    LINKS,
    GreyLevels,
    PartialConv2D,
    Subsampling,
    grey_kernel,
    scaled_tanh,
)
from tfrecords.errors import UserError

# Kernels are (rows, columns, inputs, outputs) in Keras.
_OIHW = (3, 2, 0, 1)
_HWNC = (2, 3, 0, 1)  # and back again


def weight_values(weight: Any) -> np.ndarray:
    """Return a weight as float32."""
    return keras.ops.convert_to_numpy(weight).astype(np.float32, copy=False)


def same_zeros(
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


def add_padding(graph: OnnxNodes, layer: layers.ZeroPadding2D) -> None:
    """Add zeros around maps."""
    (top, bottom), (left, right) = layer.padding
    zeros = graph.array("pads", [0, 0, top, left, 0, 0, bottom, right], np.int64)
    graph.add("Pad", graph.tensor, zeros)


def add_convolution(graph: OnnxNodes, layer: layers.Conv2D) -> None:
    """Add a convolution, and its activation."""
    _convolve_by(graph, layer, weight_values(layer.kernel))


def add_partial_convolution(graph: OnnxNodes, layer: PartialConv2D) -> None:
    """C3 of LeNet-5: zeros where a map does not see another."""
    links = weight_values(layer.weights[0])
    kernel = np.zeros((*links.shape[:2], 6, len(C3_INPUTS)), np.float32)
    for link, (source, target) in enumerate(LINKS):
        kernel[:, :, source, target] = links[:, :, link]
    _convolve_by(graph, layer, kernel)


def _convolve_by(graph: OnnxNodes, layer: layers.Conv2D, kernel: np.ndarray) -> None:
    pads = same_zeros(layer, layer.kernel_size, layer.dilation_rate)
    around = graph.take_back("Pad", ".pads")
    if around is not None:
        sides = around.reshape(2, 4)[:, 2:].ravel()  # without batch and channels
        pads = [own + int(more) for own, more in zip(pads, sides, strict=True)]
    arrays = [graph.array("kernel", kernel.transpose(_OIHW))]
    if layer.use_bias:
        arrays.append(graph.array("bias", weight_values(layer.bias)))
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
    add_activation(graph, layer)


def add_unshared_convolution(graph: OnnxNodes, layer: LocallyConnected2D) -> None:
    """Multiply the windows of all images at a place by its kernel, as Keras does."""
    kernel = weight_values(layer.kernel)
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
        biases = weight_values(layer.bias)[:, :, None]
        graph.add("Add", graph.tensor, graph.array("bias", biases))
    graph.add("Transpose", graph.tensor, perm=_HWNC)
    add_activation(graph, layer)


def add_activation(graph: OnnxNodes, layer: keras.Layer) -> None:
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


def add_subsampling(graph: OnnxNodes, layer: Subsampling) -> None:
    """Sum 2 x 2 pixels of each map by a kernel of equal weights."""
    coefficient = weight_values(layer.coefficient)
    maps = len(coefficient)
    kernel = np.broadcast_to(coefficient[:, None, None, None], (maps, 1, 2, 2))
    graph.add(
        "Conv",
        graph.tensor,
        graph.array("kernel", kernel),
        graph.array("bias", weight_values(layer.bias)),
        kernel_shape=(2, 2),
        strides=(2, 2),
        group=maps,
    )
    _squash(graph)


def add_grey_levels(graph: OnnxNodes, layer: GreyLevels) -> None:
    """Add the sum of three colours, each times its own."""
    kernel = np.array(grey_kernel(), np.float32).reshape(1, 3, 1, 1)
    arrays = (graph.array("kernel", kernel), graph.array("bias", [BACKGROUND]))
    graph.add("Conv", graph.tensor, *arrays, kernel_shape=(1, 1))
