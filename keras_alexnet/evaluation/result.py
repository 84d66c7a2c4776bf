"""What an evaluation found: error rates, classes, confusions."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.evaluation.calibration import Calibration
from keras_alexnet.evaluation.guesses import Guesses
from keras_alexnet.evaluation.intervals import wilson_interval
from keras_alexnet.evaluation.pairs import likeliest_confusion
from tfrecords.files import write_atomically


@dataclass(frozen=True)
class Evaluation:
    """Error rates of one network or an ensemble on one split.

    Attributes:
        labels: Class names in label order.
        guesses: Of each picture.
        context: What was evaluated on what: runs, data, split, views.
        networks: Of an ensemble, the evaluation of each network alone.
    """

    labels: list[str]
    guesses: Guesses
    context: dict[str, Any]
    networks: tuple["Evaluation", ...] = ()

    @classmethod
    def count(
        cls,
        probabilities: np.ndarray,
        truth: np.ndarray,
        labels: list[str],
        context: dict[str, Any],
        networks: Sequence["Evaluation"] = (),
    ) -> "Evaluation":
        """Count guesses.

        Args:
            probabilities: `(pictures, classes)`.
            truth: int `(pictures,)`.
            labels: Class names in label order.
            context: See `Evaluation`.
            networks: See `Evaluation`.

        Raises:
            UserError: A probability is not finite: there is no first guess.
        """
        guesses = Guesses.of(probabilities, truth)
        return cls(labels, guesses, context, tuple(networks))

    @cached_property
    def confusion(self) -> np.ndarray:
        """int64 `(classes, classes)`; row: true class, column: first guess."""
        counts = np.zeros((len(self.labels), len(self.labels)), np.int64)
        np.add.at(counts, (self.guesses.truth, self.guesses.first), 1)
        return counts

    @cached_property
    def top5_hits(self) -> np.ndarray:
        """int64 `(classes,)`; pictures of a class with it among five guesses."""
        truth = self.guesses.truth
        hits = (self.guesses.classes == truth[:, None]).any(axis=1)
        return np.bincount(truth[hits], minlength=len(self.labels))

    @cached_property
    def calibration(self) -> Calibration:
        """How far the probability of the first guess is from how often it is right."""
        return Calibration.of(self.guesses.confidence, ~self.guesses.wrong)

    @property
    def images(self) -> int:
        """Number of pictures."""
        return len(self.guesses.truth)

    @property
    def loss(self) -> float:
        """Mean negative log-likelihood of the labels, natural logarithm."""
        return self.guesses.loss

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
        return wilson_interval(self.images - int(np.trace(self.confusion)), self.images)

    @property
    def top5_interval(self) -> tuple[float, float]:
        """The same of the top-5 error."""
        return wilson_interval(self.images - int(self.top5_hits.sum()), self.images)

    def classes(self) -> list[dict[str, Any]]:
        """Return one row a class: pictures, errors, intervals, likeliest confusion.

        Errors and intervals of a class without pictures are None.
        """
        rows = []
        for index, label in enumerate(self.labels):
            total = int(self.confusion[index].sum())
            hits = (int(self.confusion[index, index]), int(self.top5_hits[index]))
            errors = [1 - each / total if total else None for each in hits]
            intervals = [
                list(wilson_interval(total - each, total)) if total else None
                for each in hits
            ]
            other, times = likeliest_confusion(self.confusion, index)
            rows.append(
                {
                    "label": index,
                    "class": label,
                    "images": total,
                    "top1_error": errors[0],
                    "top5_error": errors[1],
                    "taken_for": self.labels[other] if times else "",
                    "times": times,
                    "top1_interval": intervals[0],
                    "top5_interval": intervals[1],
                }
            )
        return rows

    def errors(self) -> dict[str, Any]:
        """Return both errors, their intervals and the loss."""
        return {
            "top1_error": self.top1_error,
            "top5_error": self.top5_error,
            "top1_interval": list(self.top1_interval),
            "top5_interval": list(self.top5_interval),
            "loss": self.loss,
        }

    def summary(self) -> dict[str, Any]:
        """Return the figures of `metrics.json`."""
        return {**self.context, "images": self.images, **self.errors()}

    def members(self) -> list[dict[str, Any]]:
        """Return the figures of each network alone: of one, or of those averaged."""
        return [
            {
                "path": next(iter(each.context.get("runs", ())), ""),
                "runtime": each.context.get("runtime", ""),
                "precision": each.context.get("precision", ""),
                **each.errors(),
                "ece": each.calibration.ece,
            }
            for each in self.networks or (self,)
        ]

    def write_json(self, path: Path, more: Mapping[str, Any] | None = None) -> None:
        """Write summary, networks, calibration, classes and confusion matrix.

        Args:
            path: The file.
            more: What was found besides, by name; it comes before the classes.
        """
        document = {
            **self.summary(),
            "networks": self.members(),
            "calibration": self.calibration.as_dict(),
            **(more or {}),
            "classes": self.classes(),
            "confusion": self.confusion.tolist(),
        }
        text = json.dumps(document, indent=1, allow_nan=False) + "\n"
        write_atomically(Path(path), text.encode())

    def write_csv(self, path: Path) -> None:
        """Write the table of classes; an interval is two columns, `low` and `high`."""
        rows = [_flat(row) for row in self.classes()]
        text = io.StringIO()
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


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.items():
        error = name.removesuffix("_interval")
        if error == name:
            flat[name] = value
        else:
            low, high = value or (None, None)
            flat |= {f"{error}_low": low, f"{error}_high": high}
    return flat
