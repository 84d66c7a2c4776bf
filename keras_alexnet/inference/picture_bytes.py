"""Pictures as people give them, and their bytes in a form that TensorFlow reads."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image

from keras_alexnet.data.orientation import exif_orientation
from keras_alexnet.data.pixels import decode_pixels
from tfrecords.errors import UserError
from tfrecords.images.decode import Rejected, decode_oriented

Picture: TypeAlias = Path | str | bytes | np.ndarray
T = TypeVar("T")


def check_picture(picture: Picture) -> None:
    """Raise UserError for a path that is no file, or an array that is no picture."""
    if isinstance(picture, bytes):
        return
    if isinstance(picture, np.ndarray):
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
            raise UserError(
                "Expected a picture as uint8 (height, width, 3), RGB of 0-255, got "
                f"{picture.dtype} {picture.shape}."
            )
        return
    path = Path(picture)
    if path.is_dir():
        raise UserError(f"Expected a picture, got the folder {path}. List its files.")
    if not path.exists():
        raise UserError(f"Expected a picture, found no {path}.")


def unreadable(place: int, picture: Picture, reason: str) -> UserError:
    """Return what to raise for a picture, by its file or place, that is not read."""
    is_file = isinstance(picture, Path | str)
    name = str(picture) if is_file else f"picture {place}, counted from 0"
    return UserError(
        f"Expected pictures that can be read; {name}: {reason}. Leave it out."
    )


def answer_pictures(
    pictures: Sequence[Picture], answer: Callable[[tf.Tensor], Sequence[T]]
) -> list[T | str]:
    """Return what a function says of each picture, or why the picture is not read.

    Args:
        pictures: Paths of files, the bytes of files, or uint8 arrays
            `(height, width, 3)`, RGB: one pass of the function.
        answer: From strings `(batch,)`, such files as TensorFlow reads, to as many
            answers, none of them a string.
    """
    contents: list[bytes] = []
    errors: dict[int, str] = {}
    for index, picture in enumerate(pictures):
        try:
            contents.append(_readable(_content(picture)))
        except (Rejected, OSError) as error:
            errors[index] = str(error)
    answers = iter(_answers(contents, answer))
    return [
        errors[index] if index in errors else next(answers)
        for index in range(len(pictures))
    ]


def _answers(
    contents: list[bytes], answer: Callable[[tf.Tensor], Sequence[T]]
) -> list[T | str]:
    if not contents:
        return []
    try:
        return list(answer(tf.constant(contents)))
    except tf.errors.InvalidArgumentError as error:
        if len(contents) == 1:
            return [f"decode_error: {error.message.splitlines()[0]}"]
        # One bad picture fails its batch; find it, and answer for the others.
        return [each for content in contents for each in _answers([content], answer)]


def _content(picture: Picture) -> bytes:
    if isinstance(picture, bytes):
        return picture
    if isinstance(picture, np.ndarray):
        return _png(Image.fromarray(picture))
    return Path(picture).read_bytes()


def _png(image: Image.Image, **options: Any) -> bytes:
    png = io.BytesIO()
    image.save(png, "PNG", compress_level=1, **options)
    return png.getvalue()


def _readable(data: bytes) -> bytes:
    """Return the bytes if TensorFlow reads them as Pillow does, else a PNG of them."""
    pixels, orientation = decode_oriented(data)
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG")):
        try:
            found, turn = _read_in_graph(data)
        except tf.errors.InvalidArgumentError:
            pass
        else:
            if turn == orientation and np.array_equal(found, pixels):
                return data
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return _png(Image.fromarray(pixels), exif=exif)


def _read_in_graph(data: bytes) -> tuple[np.ndarray, int]:
    # On the CPU: a GPU decodes otherwise.
    with tf.device("CPU:0"):
        pixels, orientation = _pixels_and_orientation(tf.constant(data))
    return pixels.numpy(), int(orientation)


@tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
def _pixels_and_orientation(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return decode_pixels(encoded), exif_orientation(encoded)
