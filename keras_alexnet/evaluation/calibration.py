"""Whether a network is right as often as it is sure."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

BINS = 15  # as Guo et al. have it


@dataclass(frozen=True)
class ConfidenceBin:
    """The pictures whose first guess has a probability in (low, high].

    Attributes:
        low: Of the probability; the first bin has 0 too.
        high: Of the probability.
        images: Their number.
        confidence: Their mean probability; None where there are none.
        accuracy: Fraction of them that is right; None where there are none.
    """

    low: float
    high: float
    images: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """How far probability and accuracy lie apart.

    Attributes:
        ece: Expected calibration error, a fraction: the mean over the pictures of how
            far confidence and accuracy of their bin lie apart.
        bins: `BINS` of equal width from 0 to 1.

    Reference: Guo et al. 2017, "On calibration of modern neural networks", equation 3.
    """

    ece: float
    bins: tuple[ConfidenceBin, ...]

    @classmethod
    def of(cls, confidence: np.ndarray, right: np.ndarray) -> "Calibration":
        """Measure it.

        Args:
            confidence: `(pictures,)`, probability of the first guess; at least one.
            right: bool `(pictures,)`, whether it is right.
        """
        edges = np.linspace(0, 1, BINS + 1)
        place = np.searchsorted(edges[1:-1], confidence, side="left")
        images = np.bincount(place, minlength=BINS)
        sure = np.bincount(place, confidence, minlength=BINS)
        hits = np.bincount(place, right, minlength=BINS)
        bins = tuple(
            ConfidenceBin(
                low=float(edges[index]),
                high=float(edges[index + 1]),
                images=int(count),
                confidence=float(sure[index] / count) if count else None,
                accuracy=float(hits[index] / count) if count else None,
            )
            for index, count in enumerate(images)
        )
        return cls(float(np.abs(sure - hits).sum() / images.sum()), bins)

    def as_dict(self) -> dict[str, Any]:
        """Return `ece` and `bins`, for JSON."""
        return {"ece": self.ece, "bins": [asdict(each) for each in self.bins]}
