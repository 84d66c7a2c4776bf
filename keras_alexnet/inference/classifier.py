"""Pictures to named classes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.inference.picture_bytes import (
    Picture,
    answer_pictures,
    check_picture,
)
from tfrecords.ranges import check_count

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
        check_picture(picture)
    for start in range(0, len(pictures), batch_size):
        batch = pictures[start : start + batch_size]
        yield from _batch(batch, probabilities, labels, top)


def _batch(
    pictures: Sequence[Picture],
    probabilities: Callable[[tf.Tensor], np.ndarray],
    labels: Sequence[str],
    top: int,
) -> Iterator[Prediction]:
    rows = answer_pictures(pictures, lambda x: list(np.asarray(probabilities(x))))
    for picture, row in zip(pictures, rows, strict=True):
        file = str(picture) if isinstance(picture, Path | str) else ""
        if isinstance(row, str):
            yield Prediction(file, [], [], [], row)
        else:
            yield Prediction(file, *name_classes(row, labels, top))


def name_classes(
    row: np.ndarray, labels: Sequence[str], top: int
) -> tuple[list[str], list[int], list[float], str]:
    """Return the likeliest classes of one picture, as `Prediction` has them.

    Args:
        row: float32 `(classes,)`, probabilities.
        labels: Class names in label order.
        top: Classes to name; at most all.

    Returns:
        Their names, places and probabilities, and the error: empty, or that the
        network gives no probabilities.
    """
    if not np.isfinite(row).all():
        return [], [], [], NOT_FINITE
    # Ties go to the smaller class, as they do in an export.
    classes = np.argsort(-row, kind="stable")[:top].tolist()
    return [labels[label] for label in classes], classes, row[classes].tolist(), ""
