"""Requests in JSON."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import Request

from keras_alexnet.serving.limits import Unread
from keras_alexnet.serving.refusal import Refusal

JSON = "application/json"
CURL = "application/x-www-form-urlencoded"  # what `curl -d` says of anything


def check_type(request: Request, *types: str) -> None:
    """Raise Refusal, status 415, for another `Content-Type`, or compressed bytes."""
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found not in types:
        raise Unread(415, f"Expected Content-Type {types[0]}, got {found or 'none'}.")
    check_encoding(request)


def check_encoding(request: Request) -> None:
    """Raise Refusal, status 415, for compressed bytes."""
    coding = request.headers.get("content-encoding", "identity")
    if coding.lower() != "identity":
        raise Unread(415, f"Expected a body that is not compressed, got {coding}.")


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds.

    Raises:
        Refusal: Status 400; it is no JSON, no object, or has numbers that are none.
    """
    try:
        document = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise Refusal(400, "JSON Parse error: nested too deeply.") from None
    except ValueError as error:
        raise Refusal(400, f"JSON Parse error: {error}") from None
    if not isinstance(document, dict):
        found = type(document).__name__
        raise Refusal(400, f"Expected a JSON object, got a {found}.")
    return document


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def picture_bytes_of(text: Any, place: str) -> bytes:
    """Return what a text in base64 stands for.

    Raises:
        Refusal: Status 400; it is no such text. The reason names its place.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise Refusal(400, f"{place}: expected a picture's bytes in base64.") from None


def images_of(values: Any, shape: tuple[int, ...], place: str) -> np.ndarray:
    """Return numbers as images.

    Args:
        values: Lists in lists, or one long list, row after row.
        shape: Of one image.
        place: What to call them in the error.

    Returns:
        float32 `(count, *shape)`.

    Raises:
        Refusal: Status 400; they have another shape, or are no finite numbers.
    """
    expected = f"{place}: expected finite numbers of shape {(-1, *shape)}"
    try:
        array = np.asarray(values)
    except ValueError:
        raise Refusal(400, f"{expected}, got lists of several lengths.") from None
    if array.dtype.kind not in "iuf" and array.size:
        raise Refusal(400, f"{expected}, got something else among them.")
    if array.size and array.shape[1:] != shape:
        raise Refusal(400, f"{expected}, got {array.shape}.")
    with np.errstate(over="ignore"):  # to infinity, which is refused
        images = array.astype(np.float32).reshape(-1, *shape)
    if not np.isfinite(images).all():
        raise Refusal(400, f"{expected}, got one that is not.")
    return images


def field_of(document: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    """Return a field of a document, or the default where it is not there.

    Raises:
        Refusal: Status 400; it is of another kind.
    """
    value = document.get(name, default)
    if name in document and not isinstance(value, kind):
        found = type(value).__name__
        raise Refusal(400, f"Expected {name} to be a {kind.__name__}, got a {found}.")
    return value
