import json

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet.data import eval_dataset
from keras_alexnet.evaluation.accuracy import evaluate, view_probabilities
from keras_alexnet.evaluation.result import Report
from keras_alexnet.trained.folder import load_best
from tests import small
from tests.reference import rounding_bound
from tfrecords import DatasetError, Manifest


def test_counts_equal_those_of_numpy():
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(8), 300)
    truth = generator.integers(0, 8, 300)
    report = Report.count(probabilities, truth, [f"c{i}" for i in range(8)], {})
    order = np.argsort(probabilities, axis=1)
    top1 = np.mean(order[:, -1] != truth)
    top5 = np.mean([t not in row[-5:] for t, row in zip(truth, order, strict=True)])
    assert report.images == 300
    assert report.top1_error == pytest.approx(top1)
    assert report.top5_error == pytest.approx(top5)
    confusion = np.zeros((8, 8), int)
    for t, guess in zip(truth, order[:, -1], strict=True):
        confusion[t, guess] += 1
    np.testing.assert_array_equal(report.confusion, confusion)
    rows = report.classes()
    assert sum(row["images"] for row in rows) == 300
    assert rows[3]["top1_error"] == pytest.approx(np.mean(order[truth == 3, -1] != 3))


def test_the_likeliest_confusion_of_a_class_is_named():
    probabilities = np.eye(3)[[0, 1, 1, 2, 2]]
    report = Report.count(probabilities, np.array([0, 0, 0, 0, 2]), ["a", "b", "c"], {})
    assert report.classes()[0]["taken_for"] == "b"
    assert report.classes()[0]["times"] == 2
    assert report.classes()[1]["top1_error"] is None
    assert report.classes()[2]["taken_for"] == ""


def test_ties_go_to_the_smaller_label():
    report = Report.count(np.full((1, 7), 1 / 7), np.array([0]), list("abcdefg"), {})
    assert report.top1_error == 0


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
    report = Report.count(probabilities, np.zeros(pictures, int), ["a", "b"], {})
    assert report.top1_interval == pytest.approx((low, high), abs=0.00005)
    assert report.summary()["top1_interval"] == list(report.top1_interval)


def test_views_are_averaged_as_probabilities_not_logits():
    logits = tf.constant([[[4.0, 0.0], [-1.0, 0.0]]])
    flat = tf.reshape(logits, (2, 2))
    average = view_probabilities(lambda images, training: flat)
    got = average(tf.zeros((1, 2, 5, 5, 3))).numpy()
    softmax = np.exp(logits[0]) / np.exp(logits[0]).sum(-1, keepdims=True)
    limit = rounding_bound("float32", 2, steps=8)  # exp (2), its sum, two quotients
    np.testing.assert_allclose(got[0], softmax.mean(axis=0), rtol=limit)
    mean_of_logits = np.exp(1.5) / (np.exp(1.5) + 1)
    assert abs(got[0, 0] - mean_of_logits) > 0.05


@pytest.mark.parametrize("num_views", [1, 10])
def test_evaluation_equals_a_plain_loop(run, dataset, num_views):
    report = evaluate([run], dataset, num_views=num_views)
    model = load_best(run)
    wrong = total = 0
    for images, labels in eval_dataset(
        dataset, batch_size=5, input_size=small.INPUT, num_views=num_views
    ):
        views = images[:, None] if num_views == 1 else images
        for picture, label in zip(views, labels, strict=True):
            softmax = tf.nn.softmax(model(picture, training=False)).numpy()
            wrong += int(softmax.mean(axis=0).argmax() != int(label))
            total += 1
    assert report.images == total == Manifest.load(dataset).count("validation")
    assert report.top1_error == pytest.approx(wrong / total)


def test_an_ensemble_of_one_network_twice_is_that_network(run, dataset):
    once, twice = (evaluate(runs, dataset, num_views=1) for runs in ([run], [run, run]))
    np.testing.assert_array_equal(once.confusion, twice.confusion)


def test_progress_counts_every_picture_of_every_run(run, dataset):
    seen = []
    evaluate([run, run], dataset, num_views=1, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 2 * Manifest.load(dataset).count("validation")


def test_other_classes_are_refused(run, tmp_path):
    others = small.build_dataset(tmp_path, 8, ("blue", "green", "yellow", "zinc"))
    with pytest.raises(DatasetError, match="3 against 4, first 'red' against 'yellow'"):
        evaluate([run], others)


def test_files_hold_the_same_figures(run, dataset, tmp_path):
    report = evaluate([run], dataset, num_views=1)
    report.write_json(tmp_path / "report.json")
    document = json.loads((tmp_path / "report.json").read_text())
    assert document["top1_error"] == report.top1_error
    assert document["images"] == report.images
    assert np.array(document["confusion"]).sum() == report.images
    report.write_csv(tmp_path / "report.csv")
    assert len((tmp_path / "report.csv").read_text().splitlines()) == 4
    report.write_confusion(tmp_path / "confusion.csv")
    lines = (tmp_path / "confusion.csv").read_text().splitlines()
    assert lines[0] == "true class,blue,green,red"
    assert [int(x) for x in lines[1].split(",")[1:]] == report.confusion[0].tolist()
