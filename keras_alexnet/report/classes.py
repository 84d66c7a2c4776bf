"""The errors of each class, and which classes are taken for which."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_alexnet.evaluation.class_lookup import ClassLookup
from keras_alexnet.evaluation.pairs import confused_pairs
from keras_alexnet.report.reported_run import ReportedData, ReportedRun

MOST_PAIRS = 15
MOST_CONFUSION = 25  # classes of a matrix that can be read


def classes_section(runs: Sequence[ReportedRun], data: ReportedData) -> dict[str, Any]:
    """Return a row for each class with pictures, with the errors of each run.

    Of one run the worst class comes first; of several, the one on which they differ
    most.
    """
    labels, shown = data.manifest.labels, ClassLookup.of(data.manifest).shown
    names = dict(zip(labels, shown, strict=True))
    found = [run.best.classes() for run in runs]
    learnt = data.manifest.class_counts.get("train", (0,) * len(shown))
    rows = []
    for label, each in enumerate(zip(*found, strict=True)):
        if not each[0]["images"]:
            continue
        errors = [row["top1_error"] for row in each]
        rows.append(
            {
                "class": shown[label],
                "label": labels[label],
                "learnt": learnt[label],
                "images": each[0]["images"],
                "errors": errors,
                "spread": max(errors) - min(errors),
                "interval": each[0]["top1_interval"],
                "taken_for": names.get(each[0]["taken_for"], ""),
                "times": each[0]["times"],
            }
        )
    by = "spread" if len(runs) > 1 else "errors"
    rows.sort(key=lambda row: row[by], reverse=True)
    return {
        "runs": [run.name for run in runs],
        "rows": rows,
        "has_words": shown != list(labels),
    }


def confusion_section(run: ReportedRun, data: ReportedData) -> dict[str, Any]:
    """Return the most confused pairs, and the matrix where it is small enough."""
    shown = ClassLookup.of(data.manifest).shown
    counts = run.best.confusion
    matrix = None
    if len(shown) <= MOST_CONFUSION:
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        matrix = [
            [
                {"times": int(times), "share": float(share)}
                for times, share in zip(*each, strict=True)
            ]
            for each in zip(counts, shares, strict=True)
        ]
    return {
        "pairs": confused_pairs(counts, shown, MOST_PAIRS),
        "classes": shown,
        "matrix": matrix,
    }
