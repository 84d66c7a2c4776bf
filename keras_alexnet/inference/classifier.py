"""Pictures to named classes."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image

from keras_alexnet.data.orientation import exif_orientation
from keras_alexnet.data.pixels import decode_pixels
from tfrecords.errors import UserError
from tfrecords.images.decode import Rejected, decode_oriented
from tfrecords.ranges import check_count

Picture: TypeAlias = Path | str | bytes | np.ndarray

BATCH_SIZE = 32  # pictures in a pass
NOT_FINITE = (
    "not_finite: the network gives this picture no probabilities; it has diverged in "
    "training, or overflows in this precision"
)


@dataclass(frozen=True)
class Prediction:
    """What a network says of one picture.

    Attributes:
        file: Path as it was given; empty for bytes and arrays.
        labels: Names of the likeliest classes, best first.
        classes: Their places in the label order.
        scores: Their probabilities.
        error: Why the picture could not be read, or the network has no answer; else
            empty.
    """

    file: str
    labels: list[str]
    classes: list[int]
    scores: list[float]
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields, for JSON."""
        return asdict(self)


def classify(
    pictures: Sequence[Picture],
    probabilities: Callable[[tf.Tensor], np.ndarray],
    labels: Sequence[str],
    *,
    top: int = 5,
    batch_size: int = BATCH_SIZE,
) -> Iterator[Prediction]:
    """Yield a prediction for each picture, in order; unreadable ones carry an error.

    Args:
        pictures: Paths of files, the bytes of files, or uint8 arrays
            `(height, width, 3)`, RGB.
        probabilities: From strings `(batch,)`, such files as TensorFlow reads, to
            float32 `(batch, classes)`.
        labels: Class names in label order.
        top: Classes to name; at most all.
        batch_size: Pictures in a pass.

    Raises:
        UserError: A path is no file, or an array no picture.
    """
    check_count("top", top)
    check_count("batch_size", batch_size)
    for picture in pictures:
        _check_picture(picture)
    for start in range(0, len(pictures), batch_size):
        batch = pictures[start : start + batch_size]
        yield from _batch(batch, probabilities, labels, top)


def _check_picture(picture: Picture) -> None:
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


def _batch(
    pictures: Sequence[Picture],
    probabilities: Callable[[tf.Tensor], np.ndarray],
    labels: Sequence[str],
    top: int,
) -> Iterator[Prediction]:
    contents: list[bytes] = []
    errors: dict[int, str] = {}
    for index, picture in enumerate(pictures):
        try:
            contents.append(_readable(_content(picture)))
        except (Rejected, OSError) as error:
            errors[index] = str(error)
    answers = iter(_answers(contents, probabilities, labels, top))
    for index, picture in enumerate(pictures):
        file = str(picture) if isinstance(picture, Path | str) else ""
        if index in errors:
            yield Prediction(file, [], [], [], errors[index])
        else:
            yield Prediction(file, *next(answers))


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


def _answers(
    contents: list[bytes],
    probabilities: Callable[[tf.Tensor], np.ndarray],
    labels: Sequence[str],
    top: int,
) -> list[tuple]:
    """Return `(labels, classes, scores)` or `([], [], [], error)` for each picture."""
    if not contents:
        return []
    try:
        rows = np.asarray(probabilities(tf.constant(contents)))
    except tf.errors.InvalidArgumentError as error:
        if len(contents) == 1:
            return [([], [], [], f"decode_error: {error.message.splitlines()[0]}")]
        # One bad picture fails its batch; find it, and answer for the others.
        return [
            answer
            for content in contents
            for answer in _answers([content], probabilities, labels, top)
        ]
    return [_named(row, labels, top) for row in rows]


def _named(row: np.ndarray, labels: Sequence[str], top: int) -> tuple:
    if not np.isfinite(row).all():
        return [], [], [], NOT_FINITE
    # Ties go to the smaller class, as they do in an export.
    classes = np.argsort(-row, kind="stable")[:top].tolist()
    return [labels[label] for label in classes], classes, row[classes].tolist()
