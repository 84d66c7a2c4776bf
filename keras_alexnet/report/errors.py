"""The errors of runs, and whether two of them really differ."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from scipy.stats import binomtest

from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.evaluation.guesses import GUESSES
from keras_alexnet.evaluation.result import Evaluation
from keras_alexnet.report.reported_run import ReportedData, ReportedRun
from tfrecords.progress import Progress

VIEWS = {1: "centre view", 10: "ten views"}


def measure_errors(
    runs: Sequence[ReportedRun],
    data: ReportedData,
    views: Sequence[int],
    progress: bool,
) -> list[ReportedRun]:
    """Return the runs with their evaluations.

    Args:
        runs: Of the report.
        data: Whose pictures are counted.
        views: Numbers of views, 1 or 10.
        progress: Whether to show on standard error how far it is.
    """
    count, measured = data.manifest.count(data.split), []
    with Progress("report", count * len(runs) * len(views), progress) as shown:
        before = itertools.count(0, count)
        for run in runs:
            found = {
                number: evaluate(
                    [run.network],
                    data.folder,
                    views=number,
                    split=data.split,
                    progress=partial(_later, shown, next(before)),
                )
                for number in views
            }
            measured.append(replace(run, evaluations=found))
    return measured


def _later(shown: Progress, before: int, done: int) -> None:
    shown.update(before + done)


def errors_section(runs: Sequence[ReportedRun]) -> dict[str, Any] | None:
    """Return the errors of all views of each run; None: there are no evaluations."""
    if not runs[0].evaluations:
        return None
    found = runs[0].best
    has_top5 = len(found.labels) > GUESSES  # else it is 0 of any network
    return {
        "images": found.images,
        "split": found.context["split"],
        "has_top5": has_top5,
        "rows": [
            {
                "run": run.name,
                "views": VIEWS[views],
                "errors": _errors(each, has_top5),
                "ece": each.calibration.ece,
                "loss": each.loss,
            }
            for run in runs
            for views, each in run.evaluations.items()
        ],
        "judged_by": VIEWS[max(runs[0].evaluations)],
        "against": [_against(runs[0], other) for other in runs[1:]],
    }


def _errors(found: Evaluation, has_top5: bool) -> list[dict[str, Any]]:
    kinds = [("top-1", found.top1_error, found.top1_interval)]
    if has_top5:
        kinds.append(("top-5", found.top5_error, found.top5_interval))
    return [
        {
            "kind": kind,
            "error": error,
            "wrong": round(error * found.images),
            "low": low,
            "high": high,
        }
        for kind, error, (low, high) in kinds
    ]


def _against(one: ReportedRun, other: ReportedRun) -> dict[str, Any]:
    """Count the pictures that one run gets right and the other does not.

    `chance` is the probability of numbers at least as unequal if each such picture were
    a throw of a coin: McNemar's exact test.
    """
    first, second = one.best.guesses.wrong, other.best.guesses.wrong
    only_one, only_other = int((second & ~first).sum()), int((first & ~second).sum())
    chance = 1.0
    if only_one + only_other:
        chance = float(binomtest(only_one, only_one + only_other).pvalue)
    return {
        "one": one.name,
        "other": other.name,
        "only_one": only_one,
        "only_other": only_other,
        "both": int((~first & ~second).sum()),
        "neither": int((first & second).sum()),
        "chance": chance,
    }
