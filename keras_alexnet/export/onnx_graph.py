"""A Keras network as one ONNX graph of standard operators, channels first."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras

from keras_alexnet.export.onnx_layers import add_layer
from keras_alexnet.export.onnx_nodes import OnnxNodes
from keras_alexnet.version import VERSION
from tfrecords.errors import UserError

if TYPE_CHECKING:
    import onnx

# Old enough for the runtimes of these years; the newest of `onnx` are refused by some.
OPSET = 17
IR_VERSION = 8
LARGEST = 2**31 - 2**20  # bytes; protobuf takes 2 GiB, names and nodes among them


def onnx_graph(
    model: keras.Model, *, metadata: Mapping[str, str] | None = None
) -> "onnx.ModelProto":
    """Return a network of ours as ONNX, checked and with all shapes inferred.

    The input is `images`, float32 `(N, channels, rows, columns)`, otherwise as the
    model takes them: for AlexNet RGB of 0-255 scale with the mean subtracted. Channels
    come first as in all of ONNX, so that the graph has no transposition but around
    unshared convolutions. Outputs are `probabilities` and `logits`, float32
    `(N, classes)`. N is any number. Equal models give equal graphs.

    Args:
        model: An `alexnet`, `lenet5` or `cifar_net`, or another chain of the layers
            that these have, from maps to classes.
        metadata: Texts to write into the file, by name.

    Raises:
        UserError: A layer that is none of these, a network that is no chain or has more
            than 2 GiB of weights, or the `onnx` package is missing.
    """
    onnx = _import_onnx()
    _check_bytes(model)
    graph = OnnxNodes()
    for layer in _chain(model):
        add_layer(graph, layer)
    graph.name_output("logits")
    nodes = [
        onnx.helper.make_node(n.kind, n.inputs, [n.output], n.output, **n.attributes)
        for n in graph.nodes
    ]
    softmax = ("Softmax", ["logits"], ["probabilities"], "probabilities")
    nodes.append(onnx.helper.make_node(*softmax, axis=1))
    arrays = [onnx.numpy_helper.from_array(a, n) for n, a in graph.arrays.items()]
    rows, columns, channels = model.input_shape[1:]
    images = _values(onnx, "images", channels, rows, columns)
    outputs = [
        _values(onnx, name, model.output_shape[-1])
        for name in ("probabilities", "logits")
    ]
    made = onnx.helper.make_model(
        onnx.helper.make_graph(nodes, model.name, [images], outputs, arrays),
        ir_version=IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        producer_name="keras-alexnet",
        producer_version=VERSION,
    )
    onnx.helper.set_model_props(made, dict(metadata or {}))
    onnx.checker.check_model(made, full_check=True)
    return made


def _values(onnx: Any, name: str, *sides: int) -> Any:
    """Return the declaration of an input or an output of any batch."""
    return onnx.helper.make_tensor_value_info(
        name, onnx.TensorProto.FLOAT, ["N", *sides]
    )


def _chain(model: keras.Model) -> list[keras.Layer]:
    """Return the layers in order, without the input."""
    shapes = [tensor.shape for tensor in (*model.inputs, *model.outputs)]
    if [len(shape) for shape in shapes] != [4, 2]:
        raise UserError(
            "Expected a network from maps (N, rows, columns, channels) to classes "
            f"(N, classes) for ONNX. Received: {model.name} of {shapes}."
        )
    chain = [
        each for each in model.layers if not isinstance(each, keras.layers.InputLayer)
    ]
    tensor = model.inputs[0]
    for layer in chain:
        if layer.input is not tensor:
            raise UserError(
                "Expected one chain of layers for ONNX. Received: the layer "
                f"{layer.name} of {model.name}, which does not take what the one "
                "before it gives. Export this network as a SavedModel."
            )
        tensor = layer.output
    return chain


def _check_bytes(model: keras.Model) -> None:
    count = sum(4 * math.prod(weight.shape) for weight in model.weights)
    if count > LARGEST:
        raise UserError(
            f"Expected at most {LARGEST} bytes of weights for one ONNX file, got "
            f"{count}. Take smaller pictures or fewer units, or another format."
        )


def _import_onnx() -> Any:
    try:
        import onnx
    except ImportError:
        raise UserError(
            "Expected the package onnx for an export to ONNX, found none. "
            "Install it with: pip install 'keras-alexnet[onnx]'"
        ) from None
    return onnx
