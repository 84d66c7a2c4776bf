"""Whether an exported file gives what the Keras network gives."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_alexnet.export.pictures import ExportPictures, in_parts
from tfrecords.errors import UserError

# Of a probability: some 40 times what float32 networks of 60 million parameters differ
# by that add in other orders.
LARGEST_DIFFERENCE = 1e-4
LEAST_AGREEMENT = 0.9  # of top-1 answers, where weights are of 8 bits


@dataclass(frozen=True)
class Agreement:
    """What was compared, and how near it is.

    Attributes:
        told: The pictures, in words.
        pictures: How many there were.
        difference: The largest one of a probability.
        same: Pictures with the same likeliest class.
        errors: Top-1 error of Keras and of the file, as fractions; None where the
            classes of the pictures are not known.
    """

    told: str
    pictures: int
    difference: float
    same: int
    errors: tuple[float, float] | None

    @property
    def text(self) -> str:
        """All of it in one line."""
        said = (
            f"{self.told}: the likeliest class is that of Keras for {self.same} "
            f"({self.same / self.pictures:.1%}), the largest difference of a "
            f"probability {self.difference:.1e}"
        )
        if self.errors is None:
            return said
        keras, file = self.errors
        return f"{said}; top-1 error {file:.1%}, of Keras {keras:.1%}"


def check_agreement(
    compute: Callable[[np.ndarray], np.ndarray],
    pictures: ExportPictures,
    name: str,
    *,
    quantised: bool = False,
) -> Agreement:
    """Compare a file, run by its own runtime, with the network that it was made of.

    Args:
        compute: From images to probabilities.
        pictures: What to compare on.
        name: Of the format, for the error.
        quantised: Whether the weights are of 8 bits: then the likeliest class counts,
            not the probabilities.

    Raises:
        UserError: It differs by more than the format may.
    """
    found = in_parts(compute, pictures.images)
    agreement = _compare(found, pictures)
    if quantised:
        # Answers that are no numbers would have a likeliest class too, the first.
        good = np.isfinite(agreement.difference)
        good &= agreement.same >= LEAST_AGREEMENT * agreement.pictures
        allowed = f"the same likeliest class for {LEAST_AGREEMENT:.0%} of the pictures"
    else:
        good = agreement.difference <= LARGEST_DIFFERENCE
        allowed = f"probabilities within {LARGEST_DIFFERENCE:g} of those of Keras"
    if not good:
        raise UserError(
            f"Expected {allowed} from {name}, found for {agreement.text}. Nothing was "
            "written. "
            + (
                "Take --to litert, which is float32, or train the network longer."
                if quantised
                else "The package that writes it, or the one that runs it, is at fault."
            )
        )
    return agreement


def _compare(found: np.ndarray, pictures: ExportPictures) -> Agreement:
    expected, labels = pictures.expected, pictures.labels
    if found.shape != expected.shape:
        raise UserError(
            f"Expected probabilities {expected.shape} from the export, got "
            f"{found.shape}. Nothing was written."
        )
    difference = float(np.abs(found - expected).max())
    difference = difference if np.isfinite(difference) else float("inf")
    ours, theirs = expected.argmax(axis=1), found.argmax(axis=1)
    errors = None
    if labels is not None:
        errors = (float((ours != labels).mean()), float((theirs != labels).mean()))
    same = int((ours == theirs).sum())
    return Agreement(pictures.told, len(found), difference, same, errors)
