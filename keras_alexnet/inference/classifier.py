"""Pictures to named classes."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from PIL import ExifTags, Image

from keras_alexnet.data.orientation import exif_orientation
from keras_alexnet.data.pixels import decode_pixels
from keras_alexnet.trained.opening import Network
from tfrecords.errors import DatasetError
from tfrecords.images.decode import Rejected, decode_oriented
from tfrecords.ranges import check_count
from tfrecords.sources.tree import Walk

NOT_FINITE = (
    "not_finite: the network gives this picture no probabilities; it has diverged in "
    "training, or overflows in this precision"
)


@dataclass(frozen=True)
class Prediction:
    """What a network says of one file.

    Attributes:
        file: Path as it was given.
        labels: Names of the likeliest classes, best first.
        classes: Their places in the label order.
        scores: Their probabilities.
        error: Why the file could not be read, or the network has no answer; else
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


def predict(
    network: Network, files: Sequence[Path | str], *, batch_size: int = 32
) -> Iterator[Prediction]:
    """Yield a prediction for each picture, in order; unreadable ones carry an error.

    Args:
        network: From `load_network`.
        files: Pictures, or folders whose files are taken in order of their names, all
            that `tfrecords.build` would take of them.
        batch_size: Pictures in a pass.

    Raises:
        DatasetError: A path does not exist, or there is no file at all.
    """
    check_count("batch_size", batch_size)
    paths = list(_expand(files))
    if not paths:
        raise DatasetError(
            f"Expected pictures, found no file in {', '.join(map(str, files))}."
        )
    for start in range(0, len(paths), batch_size):
        yield from _batch(network, paths[start : start + batch_size])


def _expand(files: Iterable[Path | str]) -> Iterator[Path]:
    for name in files:
        path = Path(name)
        if path.is_dir():
            yield from (path / name for name, _ in Walk(path).files(path))
        elif path.exists():
            yield path
        else:
            raise DatasetError(f"Expected a picture or a folder, found no {path}.")


def _batch(network: Network, paths: list[Path]) -> list[Prediction]:
    contents: list[bytes] = []
    errors: dict[Path, str] = {}
    for path in paths:
        try:
            contents.append(_readable(path.read_bytes()))
        except (Rejected, OSError) as error:
            errors[path] = str(error)
    answers = iter(_answers(network, contents))
    return [
        Prediction(str(path), [], [], [], errors[path])
        if path in errors
        else Prediction(str(path), *next(answers))
        for path in paths
    ]


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
    png = io.BytesIO()
    Image.fromarray(pixels).save(png, "PNG", exif=exif, compress_level=1)
    return png.getvalue()


def _read_in_graph(data: bytes) -> tuple[np.ndarray, int]:
    # On the CPU: a GPU decodes otherwise.
    with tf.device("CPU:0"):
        pixels, orientation = _pixels_and_orientation(tf.constant(data))
    return pixels.numpy(), int(orientation)


@tf.function(input_signature=[tf.TensorSpec((), tf.string)], autograph=False)
def _pixels_and_orientation(encoded: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    return decode_pixels(encoded), exif_orientation(encoded)


def _answers(network: Network, contents: list[bytes]) -> list[tuple]:
    """Return `(labels, classes, scores)` or `([], [], [], error)` for each picture."""
    if not contents:
        return []
    try:
        outputs = network(tf.constant(contents))
    except tf.errors.InvalidArgumentError as error:
        if len(contents) == 1:
            return [([], [], [], f"decode_error: {error.message.splitlines()[0]}")]
        # One bad picture fails its batch; find it, and answer for the others.
        return [_answers(network, [content])[0] for content in contents]
    labels = [
        [name.decode("utf-8", "surrogateescape") for name in row]
        for row in np.asarray(outputs["labels"])
    ]
    classes = np.asarray(outputs["classes"]).tolist()
    scores = np.asarray(outputs["scores"]).tolist()
    finite = np.isfinite(outputs["probabilities"]).all(axis=1)
    return [
        answer if known else ([], [], [], NOT_FINITE)
        for answer, known in zip(
            zip(labels, classes, scores, strict=True), finite, strict=True
        )
    ]
