"""Tensors as bytes behind JSON: binary extension of the Open Inference Protocol.

Numbers are little-endian, row after row; a text is its length, 4 bytes little-endian,
and its bytes.
"""

import struct
from collections.abc import Iterable

import numpy as np

from keras_alexnet.serving.refusal import Refusal

HEADER_LENGTH = "Inference-Header-Content-Length"
_LENGTH = struct.Struct("<I")
# Datatype of the protocol -> NumPy's.
NUMBERS = {"FP32": "<f4", "INT64": "<i8"}


def split_body(body: bytes, length: str | None) -> tuple[bytes, bytes]:
    """Return the JSON of a request and the bytes behind it.

    Args:
        body: All of it.
        length: Of the JSON, as the header says; None: there is nothing behind.

    Raises:
        Refusal: Status 400; the length is none, or the body is shorter.
    """
    if length is None:
        return body, b""
    if not length.isdecimal() or int(length) > len(body):
        raise Refusal(
            400,
            f"Expected {HEADER_LENGTH} of at most the {len(body):,} bytes of the body, "
            f"got {length!r}.",
        )
    return body[: int(length)], body[int(length) :]


def read_texts(data: bytes, place: str) -> list[bytes]:
    """Return the texts that follow each other in bytes.

    Raises:
        Refusal: Status 400; one is cut off.
    """
    found: list[bytes] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH.size
        length = _LENGTH.unpack_from(data, at)[0] if start <= len(data) else len(data)
        at = start + length
        if at > len(data):
            raise Refusal(
                400,
                f"{place}: expected a length in 4 bytes and so many bytes for each "
                f"element, element {len(found)} is cut off.",
            )
        found.append(data[start:at])
    return found


def write_tensor(values: np.ndarray, datatype: str) -> bytes:
    """Return the bytes of a tensor of FP32, INT64 or BYTES."""
    if datatype in NUMBERS:
        return values.astype(NUMBERS[datatype]).tobytes()
    return _write_texts(text.encode() for text in values.reshape(-1))


def _write_texts(texts: Iterable[bytes]) -> bytes:
    return b"".join(_LENGTH.pack(len(text)) + text for text in texts)
