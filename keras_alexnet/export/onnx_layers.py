"""What each kind of layer is in ONNX's operators, channels first."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers

from keras_alexnet.export.onnx_convolutions import (
    add_activation,
    add_convolution,
    add_grey_levels,
    add_padding,
    add_partial_convolution,
    add_subsampling,
    add_unshared_convolution,
    same_zeros,
    weight_values,
)
from keras_alexnet.export.onnx_nodes import OnnxNodes
from keras_alexnet.layers import (
    Dense,
    GroupedConv2D,
    InMapResponseNormalization,
    InvertedDropout,
    LocallyConnected2D,
    LocalResponseNormalization,
    OriginalDropout,
)
from keras_alexnet.layers.lenet import (
    LAYOUT,
    EuclideanOutput,
    GreyLevels,
    PartialConv2D,
    Subsampling,
)
from tfrecords.errors import UserError

# Maps are channels last in Keras.
_CHW = (2, 0, 1, 3)
_NHWC = (0, 2, 3, 1)


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


def _pool(graph: OnnxNodes, layer: Any) -> None:
    largest = isinstance(layer, layers.MaxPooling2D)
    # Averages are of the pixels that are there, as TensorFlow has them.
    more = {} if largest else {"count_include_pad": 0}
    graph.add(
        "MaxPool" if largest else "AveragePool",
        graph.tensor,
        kernel_shape=layer.pool_size,
        strides=layer.strides,
        pads=same_zeros(layer, layer.pool_size),
        **more,
    )


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
    kernel = weight_values(layer.kernel)
    kept = graph.take_back("Mul", ".kept")
    if kept is not None:
        kernel = kernel * kept
    if graph.take_back_transposition():
        rows = kernel.reshape(*graph.flattened, -1)
        kernel = rows.transpose(_CHW).reshape(kernel.shape)
    arrays = [graph.array("kernel", kernel)]
    if layer.use_bias:
        arrays.append(graph.array("bias", weight_values(layer.bias)))
    graph.add("Gemm", graph.tensor, *arrays)
    add_activation(graph, layer)


def _measure(graph: OnnxNodes, layer: EuclideanOutput) -> None:
    """Add negated squared distances to the codes."""
    rows = graph.array("axes", [1], np.int64)
    codes = graph.array("codes", weight_values(layer.codes))
    each = graph.add("Sub", graph.add("Unsqueeze", graph.tensor, rows), codes)
    graph.add("Neg", graph.add("ReduceSumSquare", each, axes=[2], keepdims=0))


# Layer, of exactly this class -> what adds its nodes.
_LAYERS: dict[type[keras.Layer], Callable[[OnnxNodes, Any], None]] = {
    layers.Activation: add_activation,
    layers.AveragePooling2D: _pool,
    layers.Conv2D: add_convolution,
    Dense: _connect,
    layers.Dense: _connect,
    layers.Dropout: _pass_on,
    layers.Flatten: _flatten,
    layers.MaxPooling2D: _pool,
    layers.ZeroPadding2D: add_padding,
    EuclideanOutput: _measure,
    GreyLevels: add_grey_levels,
    GroupedConv2D: add_convolution,
    InMapResponseNormalization: _normalise_in_map,
    InvertedDropout: _pass_on,
    LocallyConnected2D: add_unshared_convolution,
    LocalResponseNormalization: _normalise,
    OriginalDropout: _scale,
    PartialConv2D: add_partial_convolution,
    Subsampling: add_subsampling,
}
