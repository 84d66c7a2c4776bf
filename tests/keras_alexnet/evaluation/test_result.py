import csv
import json

import numpy as np
import pytest
from scipy.stats import binomtest

from keras_alexnet.evaluation.result import Evaluation


def test_counts_equal_those_of_numpy():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(8), 300)
    truth = generator.integers(0, 8, 300)
    found = Evaluation.count(probabilities, truth, [f"c{i}" for i in range(8)], {})
    order = np.argsort(probabilities, axis=1)
    top1 = np.mean(order[:, -1] != truth)
    top5 = np.mean([t not in row[-5:] for t, row in zip(truth, order, strict=True)])
    assert found.images == 300
    assert found.top1_error == pytest.approx(top1)
    assert found.top5_error == pytest.approx(top5)
    confusion = np.zeros((8, 8), int)
    for t, guess in zip(truth, order[:, -1], strict=True):
        confusion[t, guess] += 1
    np.testing.assert_array_equal(found.confusion, confusion)
    rows = found.classes()
    assert sum(row["images"] for row in rows) == 300
    assert rows[3]["top1_error"] == pytest.approx(np.mean(order[truth == 3, -1] != 3))


def test_the_likeliest_confusion_of_a_class_is_named():
    probabilities = np.eye(3)[[0, 1, 1, 2, 2]]
    found = Evaluation.count(
        probabilities, np.array([0, 0, 0, 0, 2]), ["a", "b", "c"], {}
    )
    assert found.classes()[0]["taken_for"] == "b"
    assert found.classes()[0]["times"] == 2
    assert found.classes()[1]["top1_error"] is None
    assert found.classes()[2]["taken_for"] == ""


def test_every_error_has_wilsons_interval():
    generator = np.random.default_rng(2)
    truth = generator.integers(0, 7, 90)  # class 7 has no picture
    probabilities = generator.dirichlet(np.ones(8), 90)
    found = Evaluation.count(probabilities, truth, [f"c{i}" for i in range(8)], {})

    def scipys(error, pictures):
        test = binomtest(round(error * pictures), pictures)
        interval = test.proportion_ci(0.95, method="wilson")
        return pytest.approx((interval.low, interval.high), abs=1e-12)

    summary, rows = found.summary(), found.classes()
    for name in ("top1", "top5"):
        interval = summary[f"{name}_interval"]
        assert interval == list(getattr(found, f"{name}_interval"))
        assert tuple(interval) == scipys(summary[f"{name}_error"], 90)
        for row in rows[:7]:
            expected = scipys(row[f"{name}_error"], row["images"])
            assert tuple(row[f"{name}_interval"]) == expected
        assert rows[7][f"{name}_interval"] is None
    assert found.top1_interval != found.top5_interval


def test_an_ensemble_lists_its_networks_and_a_network_itself():
    truth, labels = np.array([0, 0, 1]), ["a", "b"]
    rows = [np.eye(2)[[0, 1, 1]], np.eye(2)[[0, 0, 0]]]

    def context(*names):
        return {"runs": [*names], "runtime": "tensorflow", "precision": "float32"}

    alone = [
        Evaluation.count(each, truth, labels, context(name))
        for each, name in zip(rows, "xy", strict=True)
    ]
    mean = (2 * rows[0] + rows[1]) / 3
    both = Evaluation.count(mean, truth, labels, context("x", "y"), alone)
    assert [each["path"] for each in both.members()] == ["x", "y"]
    for each, evaluation in zip(both.members(), alone, strict=True):
        assert each["top1_error"] == evaluation.top1_error == pytest.approx(1 / 3)
        assert each["loss"] == evaluation.loss > both.loss
        assert each["ece"] == pytest.approx(1 / 3)
        assert each["top5_interval"] == list(evaluation.top5_interval)
        assert each["runtime"] == "tensorflow" and each["precision"] == "float32"
    (itself,) = alone[0].members()
    assert itself == both.members()[0]


def test_files_hold_the_same_figures(tmp_path):
    generator = np.random.default_rng(1)
    probabilities = generator.dirichlet(np.ones(3), 12)
    labels = ["blue", "green", "red"]
    found = Evaluation.count(probabilities, generator.integers(0, 3, 12), labels, {})
    found.write_json(tmp_path / "report.json", {"pairs": [1]})
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["top1_error"] == found.top1_error
    assert document["images"] == found.images == 12
    assert np.array(document["confusion"]).sum() == found.images
    assert document["calibration"] == found.calibration.as_dict()
    assert document["loss"] == found.loss and document["pairs"] == [1]
    assert document["classes"] == found.classes()
    found.write_csv(tmp_path / "report.csv")
    with (tmp_path / "report.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row, expected in zip(rows, found.classes(), strict=True):
        assert row["class"] == expected["class"]
        low_and_high = [float(row[f"top1_{end}"]) for end in ("low", "high")]
        assert low_and_high == expected["top1_interval"]
    found.write_confusion(tmp_path / "confusion.csv")
    lines = (tmp_path / "confusion.csv").read_text().splitlines()
    assert lines[0] == "true class,blue,green,red"
    assert [int(x) for x in lines[1].split(",")[1:]] == found.confusion[0].tolist()
