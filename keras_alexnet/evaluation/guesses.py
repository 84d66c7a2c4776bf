"""What a network guessed of each picture."""

from dataclasses import dataclass

import numpy as np

from tfrecords.errors import UserError

GUESSES = 5  # kept of each picture
# The smallest normal float32: below it a softmax in float32 loses digits, and then is
# 0, which has no logarithm. A picture adds at most 87.3 to the sum of the loss.
SMALLEST = float(np.finfo(np.float32).tiny)


@dataclass(frozen=True)
class Guesses:
    """The first guesses of pictures, in the order of the records.

    Attributes:
        truth: int64 `(pictures,)`, their labels.
        classes: int64 `(pictures, 5)`, the likeliest classes, best first; fewer columns
            where there are fewer classes.
        confidence: float64 `(pictures,)`, probability of the first of them.
        likelihood: float64 `(pictures,)`, probability of the label.
    """

    truth: np.ndarray
    classes: np.ndarray
    confidence: np.ndarray
    likelihood: np.ndarray

    @classmethod
    def of(cls, probabilities: np.ndarray, truth: np.ndarray) -> "Guesses":
        """Take them from probabilities `(pictures, classes)` and labels `(pictures,)`.

        Raises:
            UserError: A probability is not finite: there is no first guess.
        """
        if not np.isfinite(probabilities).all():
            raise UserError("Expected finite probabilities, found NaN or infinity.")
        # Stable, so that ties go to the smaller label on every machine.
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :GUESSES]
        rows = np.arange(len(truth))
        return cls(
            truth=np.asarray(truth, np.int64),
            classes=order.astype(np.int64),
            confidence=probabilities[rows, order[:, 0]].astype(np.float64),
            likelihood=probabilities[rows, truth].astype(np.float64),
        )

    @property
    def first(self) -> np.ndarray:
        """The likeliest class of each picture, int64 `(pictures,)`."""
        return self.classes[:, 0]

    @property
    def wrong(self) -> np.ndarray:
        """Whether the first guess is wrong, bool `(pictures,)`."""
        return self.first != self.truth

    @property
    def loss(self) -> float:
        """Mean negative log-likelihood of the labels, natural logarithm.

        Probabilities below `SMALLEST` count as that.
        """
        return float(-np.log(np.maximum(self.likelihood, SMALLEST)).mean())
