"""Caffe's `.caffemodel`, of its three generations: V0, V1 and today's layers."""

import dataclasses
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from keras_alexnet.weights.caffe_cifar import is_cifar, of_cifar
from keras_alexnet.weights.caffe_mean import CAFFE_RULE, blob_array
from keras_alexnet.weights.caffe_schema import field_number, message
from keras_alexnet.weights.foreign import (
    ForeignWeights,
    check_file_size,
    check_numbers,
)
from keras_alexnet.weights.layout import OF_FORMAT, FileOrder, from_channels_first
from keras_alexnet.weights.wire_fields import WireFields
from tfrecords.errors import UserError

CAFFE_PRESETS = ("caffe_alexnet", "caffenet")
PARTS = ("kernel", "bias")


def read(path: Path, order: FileOrder = OF_FORMAT) -> ForeignWeights:
    """Read the layers that have weights, and from their order which net it is.

    Raises:
        UserError: The file is no caffemodel, is damaged, or has more than an AlexNet.
    """
    check_file_size(path)
    names: list[str] = []
    tensors: dict[str, np.ndarray] = {}
    try:
        for name, blobs in _layers(path):
            names.append(name)
            tensors |= _tensors(name, blobs, tensors)
    except (DecodeError, ValueError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(
            f"Expected a .caffemodel, found bytes in {path} that are none or are "
            f"damaged ({error}). Give a file of weights, or get it again."
        ) from None
    if not tensors:
        raise UserError(
            f"Expected layers with weights in {path}, found {len(names)} layers and no "
            "weights. Give the .caffemodel, not the network's description."
        )
    return of_caffe(tensors, names, order)


def of_caffe(
    tensors: dict[str, np.ndarray], names: list[str], order: FileOrder
) -> ForeignWeights:
    """Return weights of Caffe as a reader gives them.

    Args:
        tensors: `conv1.kernel` and so on in Caffe's layouts.
        names: Of layers as they follow each other, where the file says it.
        order: What is known of its numbers.
    """
    if is_cifar(tensors):
        return of_cifar(tensors, names, order)
    weights = ForeignWeights(
        from_channels_first(tensors, order.of("bgr", "chw")), CAFFE_RULE, CAFFE_PRESETS
    )
    presets = order_tells(names)
    if presets:
        return dataclasses.replace(weights, presets=presets, certain=True)
    return weights


def order_tells(order: list[str]) -> tuple[str, ...]:
    """Return the preset of Caffe's that has its layers in an order, or nothing."""
    if not {"norm1", "pool1"} <= {*order}:
        return ()
    pools_first = order.index("pool1") < order.index("norm1")
    return ("caffenet",) if pools_first else ("caffe_alexnet",)


def _layers(path: Path) -> Iterator[tuple[str, list[Any]]]:
    """Yield name and blobs of each layer; one of them is parsed at a time."""
    if not path.stat().st_size:
        return
    with open(path, "rb") as file:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            fields = WireFields(content)
            older, newer = (
                field_number("NetParameter", name) for name in ("layers", "layer")
            )
            for number, start, end in list(fields.of(0, len(content))):
                if number == newer:
                    fields.count(start, end)
                    layer = message("LayerParameter").FromString(content[start:end])
                    yield _text(layer.name), list(layer.blobs)
                elif number == older:
                    fields.count(start, end, field_number("V1LayerParameter", "layer"))
                    layer = message("V1LayerParameter").FromString(content[start:end])
                    layer = layer.layer if layer.HasField("layer") else layer
                    yield _text(layer.name), list(layer.blobs)


def _tensors(
    name: str, blobs: list[Any], others: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    found = {}
    for index, blob in enumerate(blobs):
        tensor = f"{name}.{PARTS[index] if index < len(PARTS) else index}"
        if tensor in others:
            raise UserError(
                f"Expected one layer {name!r}, found two with weights. Give a file of "
                "one network."
            )
        found[tensor] = blob_array(blob, tensor)
    sizes = {key: array.size for key, array in {**others, **found}.items()}
    check_numbers(sizes, "the file")
    return found


def _text(name: bytes) -> str:
    return name.decode("utf-8", "backslashreplace")
