"""The body of `infer` of the Open Inference Protocol."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_alexnet.serving.answers import PICTURES
from keras_alexnet.serving.binary_tensors import NUMBERS, read_texts
from keras_alexnet.serving.json_body import (
    field_of,
    images_of,
    parse_json,
    picture_bytes_of,
)
from keras_alexnet.serving.refusal import Refusal


@dataclass(frozen=True)
class Inference:
    """What a request asks for.

    Attributes:
        pictures: Bytes of files; None where there are images.
        images: float32 `(count, size, size, 3)`; None where there are pictures.
        outputs: Name -> whether it is wanted behind the JSON, in the order asked for.
        id: That the answer bears too; None: none.
    """

    pictures: list[bytes] | None
    images: np.ndarray | None
    outputs: dict[str, bool]
    id: str | None


def parse_inference(
    head: bytes,
    behind: bytes,
    takes: str,
    image_shape: tuple[int, ...],
    outputs: Iterable[str],
) -> Inference:
    """Read a request.

    Args:
        head: The JSON.
        behind: The bytes after it.
        takes: The one input of the model.
        image_shape: Of one image.
        outputs: Those of the model, all of which are given where none is asked for.

    Raises:
        Refusal: Status 400; it is none, or its tensor does not fit.
    """
    document = parse_json(head)
    inputs = field_of(document, "inputs", list, [])
    if len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise Refusal(400, f"Expected one input, {takes}, got {len(inputs)}.")
    (given,) = inputs
    datatype = "BYTES" if takes == PICTURES else "FP32"
    if given.get("name") != takes or given.get("datatype") != datatype:
        raise Refusal(
            400,
            f"Expected the input {takes} of datatype {datatype}, got "
            f"{given.get('name')!r} of {given.get('datatype')!r}.",
        )
    count = _elements(given)
    size = field_of(_parameters(given), "binary_data_size", int, None)
    if (size or 0) != len(behind):
        raise Refusal(
            400,
            f"Expected binary_data_size to be the {len(behind):,} bytes behind the "
            f"JSON, got {size}.",
        )
    data = None if size is None else behind
    wanted = _wanted(document, outputs)
    number = field_of(document, "id", str, None)
    if takes == PICTURES:
        return Inference(_pictures(given, data, count), None, wanted, number)
    images = _images(given, data, count, image_shape)
    return Inference(None, images, wanted, number)


def _parameters(tensor: dict[str, Any]) -> dict[str, Any]:
    return field_of(tensor, "parameters", dict, {})


def _elements(tensor: dict[str, Any]) -> int:
    shape = field_of(tensor, "shape", list, [])
    if not shape or not all(type(side) is int and side >= 0 for side in shape):
        raise Refusal(400, f"Expected a shape of whole numbers, got {shape}.")
    return math.prod(shape)


def _pictures(tensor: dict[str, Any], data: bytes | None, count: int) -> list[bytes]:
    shape = tensor["shape"]
    if shape not in ([count], [count, 1]):
        raise Refusal(
            400, f"Expected the shape [pictures] for {PICTURES}, got {shape}."
        )
    kind = field_of(_parameters(tensor), "content_type", str, "base64")
    if data is not None:
        found = read_texts(data, PICTURES)
    elif kind != "base64":
        raise Refusal(400, f"Expected the content_type base64, got {kind!r}.")
    else:
        texts = _flat(field_of(tensor, "data", list, []))
        found = [
            picture_bytes_of(text, f"{PICTURES}[{n}]") for n, text in enumerate(texts)
        ]
    if len(found) != count:
        raise Refusal(400, f"Expected {count} pictures by the shape, got {len(found)}.")
    return found


def _flat(data: list[Any]) -> list[Any]:
    return [x for each in data for x in (each if isinstance(each, list) else [each])]


def _images(
    tensor: dict[str, Any],
    data: bytes | None,
    count: int,
    image_shape: tuple[int, ...],
) -> np.ndarray:
    shape = tensor["shape"]
    if tuple(shape[1:]) != image_shape:
        raise Refusal(400, f"Expected the shape {[-1, *image_shape]}, got {shape}.")
    if data is None:
        values: Any = field_of(tensor, "data", list, [])
        if values and not isinstance(values[0], list):
            values = _reshaped(np.array(values, object), shape)
    elif len(data) != 4 * count:
        raise Refusal(400, f"Expected {4 * count:,} bytes of FP32, got {len(data):,}.")
    else:
        values = np.frombuffer(data, NUMBERS["FP32"]).reshape(shape)
    images = images_of(values, image_shape, "images")
    if len(images) != shape[0]:
        raise Refusal(
            400, f"Expected {shape[0]} images by the shape, got {len(images)}."
        )
    return images


def _reshaped(values: np.ndarray, shape: list[int]) -> list[Any]:
    if values.size != math.prod(shape):
        raise Refusal(400, f"Expected numbers for shape {shape}, got {values.size:,}.")
    return values.reshape(shape).tolist()


def _wanted(document: dict[str, Any], outputs: Iterable[str]) -> dict[str, bool]:
    """Return the outputs asked for, and whether as bytes."""
    names = list(outputs)
    binary = field_of(_parameters(document), "binary_data_output", bool, False)
    asked = field_of(document, "outputs", list, [])
    if not asked:
        return dict.fromkeys(names, binary)
    wanted = {}
    for each in asked:
        name = each.get("name") if isinstance(each, dict) else each
        if not isinstance(each, dict) or name not in names:
            expected = ", ".join(names)
            raise Refusal(400, f"Unknown output {name!r}; expected {expected}.")
        if "classification" in _parameters(each):
            raise Refusal(400, "Classification is no parameter here; ask for labels.")
        wanted[name] = field_of(_parameters(each), "binary_data", bool, binary)
    return wanted
