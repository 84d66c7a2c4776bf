"""What an evaluation found: error rates, classes, confusions."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords.errors import UserError
from tfrecords.files import write_atomically


@dataclass(frozen=True)
class Evaluation:
    """Error rates of one network or an ensemble on one split.

    Attributes:
        labels: Class names in label order.
        confusion: int64 `(classes, classes)`; row: true class, column: first guess.
        top5_hits: int64 `(classes,)`; pictures of a class with it among five guesses.
        context: What was evaluated on what: runs, data, split, views.
    """

    labels: list[str]
    confusion: np.ndarray
    top5_hits: np.ndarray
    context: dict[str, Any]

    @classmethod
    def count(
        cls,
        probabilities: np.ndarray,
        truth: np.ndarray,
        labels: list[str],
        context: dict[str, Any],
    ) -> "Evaluation":
        """Count guesses.

        Args:
            probabilities: `(pictures, classes)`.
            truth: int `(pictures,)`.
            labels: Class names in label order.
            context: See `Evaluation`.

        Raises:
            UserError: A probability is not finite: there is no first guess.
        """
        if not np.isfinite(probabilities).all():
            raise UserError("Expected finite probabilities, found NaN or infinity.")
        classes = len(labels)
        # Stable, so that ties go to the smaller label on every machine.
        guesses = np.argsort(-probabilities, axis=1, kind="stable")[:, :5]
        confusion = np.zeros((classes, classes), np.int64)
        np.add.at(confusion, (truth, guesses[:, 0]), 1)
        hits = (guesses == truth[:, None]).any(axis=1)
        return cls(
            labels, confusion, np.bincount(truth[hits], minlength=classes), context
        )

    @property
    def images(self) -> int:
        """Number of pictures."""
        return int(self.confusion.sum())

    @property
    def top1_error(self) -> float:
        """Fraction whose first guess is wrong."""
        return 1.0 - float(np.trace(self.confusion)) / self.images

    @property
    def top5_error(self) -> float:
        """Fraction whose label is not among the first five guesses."""
        return 1.0 - float(self.top5_hits.sum()) / self.images

    @property
    def top1_interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the top-1 error: how sure so many pictures are."""
        from scipy.stats import binomtest  # takes a second to import

        wrong = self.images - int(np.trace(self.confusion))
        interval = binomtest(wrong, self.images).proportion_ci(0.95, method="wilson")
        return float(interval.low), float(interval.high)

    def classes(self) -> list[dict[str, Any]]:
        """Return one row a class: pictures, both errors, the likeliest confusion."""
        rows = []
        for index, label in enumerate(self.labels):
            counts = self.confusion[index]
            total = int(counts.sum())
            others = counts.copy()
            others[index] = 0
            worst = int(others.argmax())
            rows.append(
                {
                    "label": index,
                    "class": label,
                    "images": total,
                    "top1_error": 1 - counts[index] / total if total else None,
                    "top5_error": 1 - self.top5_hits[index] / total if total else None,
                    "taken_for": self.labels[worst] if others[worst] else "",
                    "times": int(others[worst]),
                }
            )
        return rows

    def summary(self) -> dict[str, Any]:
        """Return the figures of `metrics.json`."""
        return {
            **self.context,
            "images": self.images,
            "top1_error": self.top1_error,
            "top5_error": self.top5_error,
            "top1_interval": list(self.top1_interval),
        }

    def write_json(self, path: Path) -> None:
        """Write summary, classes and confusion matrix."""
        document = {
            **self.summary(),
            "classes": self.classes(),
            "confusion": self.confusion.tolist(),
        }
        text = json.dumps(document, indent=1, allow_nan=False) + "\n"
        write_atomically(Path(path), text.encode())

    def write_csv(self, path: Path) -> None:
        """Write the table of classes."""
        text = io.StringIO()
        rows = self.classes()
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write_atomically(Path(path), text.getvalue().encode("utf-8", "surrogateescape"))

    def write_confusion(self, path: Path) -> None:
        """Write the confusion matrix as CSV: row true class, column first guess."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["true class", *self.labels])
        for label, counts in zip(self.labels, self.confusion.tolist(), strict=True):
            writer.writerow([label, *counts])
        write_atomically(Path(path), text.getvalue().encode("utf-8", "surrogateescape"))
