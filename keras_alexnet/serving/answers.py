"""What a network says of the pictures of a request, under the names of its outputs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_alexnet.inference.classifier import name_classes
from keras_alexnet.serving.refusal import Refusal
from keras_alexnet.serving.served_model import Row, ServedModel

PICTURES, IMAGES = "image_bytes", "images"  # the inputs
OUTPUTS = ("probabilities", "classes", "scores", "labels")


class Answers(NamedTuple):
    """As the signatures of an export give them.

    Attributes:
        probabilities: float32 `(batch, classes)`.
        classes: int64 `(batch, top)`, places of the likeliest, best first.
        scores: float32 `(batch, top)`, their probabilities.
        labels: `(batch, top)`, their names.
    """

    probabilities: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    @classmethod
    def of(cls, model: ServedModel, rows: Sequence[Row], place: str) -> "Answers":
        """Make them of all rows.

        Args:
            model: What gave them.
            rows: One for each picture.
            place: What to call them in the error.

        Raises:
            Refusal: A row is one, or holds no probabilities; it names the place.
        """
        names: list[list[str]] = []
        likeliest: list[list[int]] = []
        for index, row in enumerate(rows):
            if isinstance(row, Refusal):
                raise Refusal(row.status, f"{place}[{index}]: {row.reason}")
            labels, classes, _, error = name_classes(row, model.labels, model.top)
            if error:
                raise Refusal(500, f"{place}[{index}]: {error}")
            names.append(labels)
            likeliest.append(classes)
        shape = (len(rows), model.top)
        found = np.array(rows, np.float32).reshape(len(rows), len(model.labels))
        places = np.array(likeliest, np.int64).reshape(shape)
        scores = np.take_along_axis(found, places, axis=1)
        return cls(found, places, scores, np.array(names, object).reshape(shape))
