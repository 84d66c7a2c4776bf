import json

import numpy as np
import pytest

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


def test_ties_go_to_the_smaller_label():
    found = Evaluation.count(np.full((1, 7), 1 / 7), np.array([0]), list("abcdefg"), {})
    assert found.top1_error == 0


@pytest.mark.parametrize(
    ("wrong", "pictures", "low", "high"),
    # Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_the_error_is_wilsons(wrong, pictures, low, high):
    probabilities = np.eye(2)[[1] * wrong + [0] * (pictures - wrong)]
    found = Evaluation.count(probabilities, np.zeros(pictures, int), ["a", "b"], {})
    assert found.top1_interval == pytest.approx((low, high), abs=0.00005)
    assert found.summary()["top1_interval"] == list(found.top1_interval)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_evaluation_counts_no_guesses_that_are_not_there(value):
    probabilities = np.array([[0.2, 0.8], [value, value]])
    with pytest.raises(ValueError, match="finite probabilities"):
        Evaluation.count(probabilities, np.array([0, 0]), ["a", "b"], {})


def test_files_hold_the_same_figures(tmp_path):
    generator = np.random.default_rng(1)
    probabilities = generator.dirichlet(np.ones(3), 12)
    labels = ["blue", "green", "red"]
    found = Evaluation.count(probabilities, generator.integers(0, 3, 12), labels, {})
    found.write_json(tmp_path / "report.json")
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["top1_error"] == found.top1_error
    assert document["images"] == found.images == 12
    assert np.array(document["confusion"]).sum() == found.images
    found.write_csv(tmp_path / "report.csv")
    assert len((tmp_path / "report.csv").read_text().splitlines()) == 4
    found.write_confusion(tmp_path / "confusion.csv")
    lines = (tmp_path / "confusion.csv").read_text().splitlines()
    assert lines[0] == "true class,blue,green,red"
    assert [int(x) for x in lines[1].split(",")[1:]] == found.confusion[0].tolist()
