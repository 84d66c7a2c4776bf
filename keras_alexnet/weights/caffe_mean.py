"""How Caffe's networks see pictures, and the mean image that goes with them."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from keras_alexnet.weights.caffe_schema import message
from keras_alexnet.weights.foreign import InputRule
from keras_alexnet.weights.layout import Channels
from tfrecords.errors import UserError

# bvlc_alexnet and bvlc_reference_caffenet: pictures warped to 256 x 256 by OpenCV, a
# mean image cut where the view is; its mean colour is what most programs take for it.
CAFFE_RULE = InputRule(
    256, "warp", "bilinear", np.array([123, 117, 104], np.float32), "view"
)
MOST_BYTES = 2**26  # of a mean; that of ILSVRC has 786,446
MOST_SHAPE = 1000  # bytes of the sides of a blob


def with_mean(
    rule: InputRule, path: Path, channels: Channels | None = None
) -> InputRule:
    """Return the rule with the mean of a `.binaryproto`.

    Args:
        rule: Of the weights.
        path: The file.
        channels: Which colour comes first in it; None: as such weights have it.

    Raises:
        UserError: The file is none, or of another size than the stored pictures.
    """
    if not path.is_file():
        raise UserError(f"Expected a mean image, found no file {path}.")
    side = rule.stored_size
    if path.stat().st_size > MOST_BYTES:
        raise _no_mean(path, side, f"a file of {path.stat().st_size:,} bytes")
    try:
        blob = message("BlobProto").FromString(path.read_bytes())
        mean = blob_array(blob, str(path))
    except DecodeError:
        raise _no_mean(path, side, "no protobuf message") from None
    if mean.size != 3 * side**2 or mean.shape[-3:] != (3, side, side):
        raise _no_mean(path, side, f"an array of shape {mean.shape}")
    if not np.isfinite(mean).all():
        raise _no_mean(path, side, "numbers that are not finite")
    image = mean.reshape(3, side, side).transpose(1, 2, 0)
    if (channels or rule.channels) == "bgr":
        image = image[..., ::-1]
    return dataclasses.replace(rule, mean=np.ascontiguousarray(image, np.float32))


def blob_array(blob: Any, where: str) -> np.ndarray:
    """Return the numbers of a `BlobProto` in the shape that it says.

    Args:
        blob: The message.
        where: What it is, for the error.

    Raises:
        UserError: There are more or fewer numbers than its shape has.
    """
    data = np.asarray(blob.data, np.float32)
    if len(blob.double_data):
        data = np.asarray(blob.double_data, np.float64)
    if len(blob.shape) > MOST_SHAPE:
        raise UserError(f"Expected a shape of a few sides of {where}, found many.")
    shape = tuple(message("BlobShape").FromString(blob.shape).dim)
    if not shape:  # the older form; a side that is not said is 1
        shape = tuple(
            getattr(blob, side) if blob.HasField(side) else 1
            for side in ("num", "channels", "height", "width")
        )
    count = 1
    for side in shape:
        count *= side
    if min(shape) < 0 or count != data.size:
        raise UserError(
            f"Expected {count:,} numbers of {where}, as its shape {shape} says, found "
            f"{data.size:,}. The file is damaged: get it again."
        )
    return data.reshape(shape)


def _no_mean(path: Path, side: int, found: str) -> UserError:
    return UserError(
        f"Expected the mean of {side} x {side} pictures as Caffe's .binaryproto, found "
        f"{found} in {path}. Give that of the pictures that the weights learnt from, "
        "or leave --mean out for the mean colour."
    )
