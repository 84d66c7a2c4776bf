import csv
import shutil

import numpy as np
import pytest
import tensorflow as tf

from keras_alexnet import load
from keras_alexnet.data import eval_dataset
from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.training.state.progress import best_row
from tests import small
from tests.reference import rounding_bound
from tfrecords import DatasetError, Manifest


@pytest.mark.parametrize("num_views", [1, 10])
def test_evaluation_equals_a_plain_loop(run, dataset, num_views):
    found = evaluate([load(run)], dataset, views=num_views)
    model = load(run).model
    wrong = total = 0
    for images, labels in eval_dataset(
        dataset, batch_size=5, input_size=small.INPUT, num_views=num_views
    ):
        views = images[:, None] if num_views == 1 else images
        for picture, label in zip(views, labels, strict=True):
            softmax = tf.nn.softmax(model(picture, training=False)).numpy()
            wrong += int(softmax.mean(axis=0).argmax() != int(label))
            total += 1
    assert found.images == total == Manifest.load(dataset).count("validation")
    assert found.top1_error == pytest.approx(wrong / total)


def test_the_mean_of_each_views_own_place_is_subtracted(run, dataset, tmp_path):
    folder = shutil.copytree(run, tmp_path / "run")
    small.change_config(folder, preprocessing={"mean_at": "view"})
    network, seen = load(folder), []
    compute = network._compute
    network._compute = lambda images: seen.append(images.numpy()) or compute(images)
    found = evaluate([network], dataset, views=10)
    centre = evaluate([load(run)], dataset, views=10)
    assert found.images == centre.images
    whole = network.statistics.mean_image
    raw = eval_dataset(dataset, input_size=small.INPUT, num_views=10, batch_size=100)
    images = np.concatenate(seen) - next(iter(raw))[0]
    # What the two ways differ by is the mean of the top left corner, or its mirror.
    differs = network.preprocessing.mean - whole[: small.INPUT, : small.INPUT]
    limit = 255 * rounding_bound("float32", steps=3)
    np.testing.assert_allclose(images[0, 0], differs, atol=limit)
    mirrored = network.preprocessing.mean - whole[: small.INPUT, : small.INPUT][:, ::-1]
    np.testing.assert_allclose(images[0, 5], mirrored, atol=limit)
    assert np.abs(differs).max() > 1


def test_an_ensemble_of_one_network_twice_is_that_network(run, dataset):
    network = load(run)
    once, twice = (evaluate([network] * n, dataset, views=1) for n in (1, 2))
    np.testing.assert_array_equal(once.confusion, twice.confusion)


def test_an_ensemble_has_each_network_alone_beside_the_joint_errors(
    run, dataset, tmp_path
):
    other = load(run)
    for variable in other.model.get_layer("fc8").weights:
        variable.assign(-variable)  # what is likely becomes unlikely
    networks = [load(run), other]
    both = evaluate(networks, dataset, views=1)
    alone = [evaluate([network], dataset, views=1) for network in networks]
    assert [each.summary() for each in both.networks] == [
        each.summary() for each in alone
    ]
    assert [each.networks for each in alone] == [(), ()]
    assert alone[0].loss != alone[1].loss
    # The mean of probabilities: no surer than the surest of the two.
    surest = np.maximum(*(each.guesses.confidence for each in alone))
    assert (both.guesses.confidence <= surest + 2**-24).all()
    likelihoods = [each.guesses.likelihood for each in alone]
    mean = np.mean(likelihoods, axis=0)
    np.testing.assert_allclose(both.guesses.likelihood, mean, atol=2**-24)


def test_the_loss_is_that_of_the_training(run, dataset):
    with (run / "history.csv").open() as file:
        history = [
            {k: float(v) for k, v in row.items()} for row in csv.DictReader(file)
        ]
    found = evaluate([load(run)], dataset, views=1)
    best = best_row(history)
    # It moves at most by twice as much as the logits, and they by this.
    limit = 2 * small.probability_bound()
    assert found.loss == pytest.approx(best["val_loss"], abs=limit)
    assert found.top1_error == pytest.approx(best["val_error"], abs=2**-23)


def test_progress_counts_every_picture_of_every_run(run, dataset):
    seen = []
    evaluate([load(run)] * 2, dataset, views=1, progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 2 * Manifest.load(dataset).count("validation")


def test_other_classes_are_refused(run, tmp_path):
    others = small.build_dataset(tmp_path, 8, ("blue", "green", "yellow", "zinc"))
    with pytest.raises(DatasetError, match="3 against 4, first 'red' against 'yellow'"):
        evaluate([load(run)], others)


@pytest.mark.parametrize("views", [1, 10])
def test_an_export_is_evaluated_as_the_run_that_it_is_of(run, exported, dataset, views):
    expected = evaluate([load(run)], dataset, views=views)
    found = evaluate([load(exported)], dataset, views=views)
    np.testing.assert_array_equal(found.confusion, expected.confusion)
    np.testing.assert_array_equal(found.top5_hits, expected.top5_hits)
    assert found.summary() == expected.summary() | {"runs": [str(exported)]}
    both = evaluate([load(run), load(exported)], dataset, views=views)
    np.testing.assert_array_equal(both.confusion, expected.confusion)


def test_an_export_that_does_not_say_what_it_is_is_refused(exported, dataset, tmp_path):
    older = shutil.copytree(exported, tmp_path / "1")
    shutil.rmtree(older / "assets.extra")
    with pytest.raises(DatasetError, match="says what its network is.*alexnet export"):
        evaluate([load(older)], dataset)


def test_what_computes_is_said_of_each_where_it_differs(run, dataset):
    pytest.importorskip("openvino")
    networks = [load(run), load(run, runtime="openvino")]
    summary = evaluate(networks, dataset, views=1).summary()
    assert summary["runtime"] == "tensorflow, openvino"
    assert summary["precision"] == "float32"
