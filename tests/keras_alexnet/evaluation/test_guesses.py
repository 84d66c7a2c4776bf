import numpy as np
import pytest
from sklearn.metrics import log_loss, top_k_accuracy_score

from keras_alexnet.evaluation.guesses import SMALLEST, Guesses


@pytest.fixture
def answers():
    generator = np.random.default_rng(5)
    probabilities = generator.dirichlet(np.ones(8), 300)
    return probabilities, generator.integers(0, 8, 300)


def test_they_are_the_likeliest_classes_best_first(answers):
    probabilities, truth = answers
    found = Guesses.of(probabilities, truth)
    assert found.classes.shape == (300, 5) and found.classes.dtype == np.int64
    rows = np.arange(300)[:, None]
    sorted_ones = -np.sort(-probabilities, axis=1)[:, :5]
    np.testing.assert_array_equal(probabilities[rows, found.classes], sorted_ones)
    np.testing.assert_array_equal(found.confidence, sorted_ones[:, 0])
    np.testing.assert_array_equal(found.first, probabilities.argmax(axis=1))
    hits = (found.classes == truth[:, None]).any(axis=1)
    assert hits.mean() == top_k_accuracy_score(truth, probabilities, k=5)
    assert (~found.wrong).mean() == top_k_accuracy_score(truth, probabilities, k=1)


def test_there_are_no_more_guesses_than_classes():
    found = Guesses.of(np.array([[0.2, 0.3, 0.5]], np.float32), np.array([1]))
    assert found.classes.tolist() == [[2, 1, 0]]
    assert found.confidence.dtype == found.likelihood.dtype == np.float64


def test_ties_go_to_the_smaller_label():
    # So many that a sort that is not stable mixes them.
    found = Guesses.of(np.tile([1 / 1500, 2 / 1500], (1, 500)), np.array([1]))
    assert found.classes.tolist() == [[1, 3, 5, 7, 9]] and not found.wrong.any()


def test_the_loss_is_the_mean_negative_log_likelihood(answers):
    found = Guesses.of(*answers)
    expected = log_loss(answers[1], answers[0], labels=range(8))
    # Sums of 300 logarithms, in another order.
    assert found.loss == pytest.approx(expected, rel=300 * 2**-53)
    one = Guesses.of(np.array([[0.5, 0.5], [0.25, 0.75]]), np.array([0, 0]))
    assert one.loss == pytest.approx((np.log(2) + np.log(4)) / 2, rel=4 * 2**-53)


def test_a_probability_of_nothing_has_a_finite_logarithm():
    found = Guesses.of(np.array([[0, 1], [1, 0]], np.float32), np.array([0, 0]))
    assert found.loss == pytest.approx(-np.log(SMALLEST) / 2)
    assert 87.3 < -np.log(SMALLEST) < 87.4
    known = Guesses.of(np.array([[1e-30, 1]]), np.array([0]))
    assert known.loss == pytest.approx(30 * np.log(10))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_there_is_no_first_guess_of_what_is_not_finite(value):
    with pytest.raises(ValueError, match="finite probabilities"):
        Guesses.of(np.array([[0.2, 0.8], [value, value]]), np.array([0, 0]))
