import dataclasses
from math import comb

import numpy as np
import pytest

from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.evaluation.intervals import wilson_interval
from keras_alexnet.evaluation.result import Evaluation
from keras_alexnet.report.errors import errors_section, measure_errors
from keras_alexnet.report.reported_run import ReportedRun


def told(guesses, name="run", classes=3, views=1):
    probabilities = np.eye(classes)[guesses] * 0.5 + 0.5 / classes
    found = Evaluation.count(
        probabilities,
        np.zeros(len(guesses), int),
        [str(n) for n in range(classes)],
        {"split": "validation"},
    )
    return ReportedRun(name, None, [], {views: found})


def test_errors_are_those_of_evaluate(measured, dataset):
    runs, data = measured
    expected = evaluate([runs[0].network], dataset, views=1)
    assert runs[0].best.summary() == expected.summary()
    row = errors_section(runs)["rows"][0]
    (error,) = row["errors"]  # three classes are all among five guesses
    assert error["error"] == expected.top1_error and row["loss"] == expected.loss
    assert error["wrong"] == round(expected.top1_error * expected.images)
    assert (error["low"], error["high"]) == expected.top1_interval
    assert row["ece"] == expected.calibration.ece
    assert measure_errors(runs[:1], data, (1,), False)[0].best.images == 12


def test_of_more_than_five_classes_there_is_a_top_5_error():
    (row,) = errors_section([told([0, 1, 1, 0], classes=7)])["rows"]
    assert [each["kind"] for each in row["errors"]] == ["top-1", "top-5"]
    first = row["errors"][0]
    assert (first["error"], first["wrong"]) == (0.5, 2)
    assert (first["low"], first["high"]) == wilson_interval(2, 4)


def test_both_numbers_of_views_are_told_and_the_larger_judges():
    run = told([0, 1])
    both = {1: run.best, 10: told([0, 0]).best}
    found = errors_section([dataclasses.replace(run, evaluations=both)])
    assert [row["views"] for row in found["rows"]] == ["centre view", "ten views"]
    assert found["judged_by"] == "ten views"
    assert errors_section([dataclasses.replace(run, evaluations={})]) is None


def test_pictures_that_only_one_gets_right_are_counted_with_mcnemars_test():
    one = told([0] * 9 + [1] * 3)  # 9 right
    other = told([0] * 2 + [1] * 8 + [0] * 2, "other")  # 2 of these, and 2 more
    (found,) = errors_section([one, other])["against"]
    assert (found["only_one"], found["only_other"]) == (7, 2)
    assert (found["both"], found["neither"]) == (2, 1)
    tail = sum(comb(9, n) for n in range(3)) / 2**9
    assert found["chance"] == pytest.approx(2 * tail)
    (same,) = errors_section([one, one])["against"]
    assert same["chance"] == 1
