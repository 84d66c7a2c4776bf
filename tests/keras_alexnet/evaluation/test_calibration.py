import json

import numpy as np
import pytest
from sklearn.calibration import calibration_curve

from keras_alexnet.evaluation.calibration import BINS, Calibration


def test_a_small_example_by_hand():
    # Bins of 1/15: the first two pictures lie in (0.6, 2/3], the third in (14/15, 1].
    confidence, right = np.array([0.62, 0.66, 0.98]), np.array([True, False, True])
    found = Calibration.of(confidence, right)
    full = {each.low: each for each in found.bins if each.images}
    assert sorted(full) == pytest.approx([9 / 15, 14 / 15])
    two, one = found.bins[9], found.bins[14]
    assert (two.images, two.accuracy) == (2, 0.5)
    assert two.confidence == pytest.approx(0.64)
    assert (one.images, one.accuracy, one.confidence) == (1, 1.0, 0.98)
    assert found.ece == pytest.approx((2 * 0.14 + 0.02) / 3)


def test_bins_are_those_of_scikit_learn():
    generator = np.random.default_rng(3)
    confidence = generator.uniform(0.1, 1, 500)
    right = generator.random(500) < confidence**2
    found = Calibration.of(confidence, right)
    accuracy, mean = calibration_curve(right, confidence, n_bins=BINS)
    full = [each for each in found.bins if each.images]
    # Sums of at most 500 numbers, in another order.
    close = {"rtol": 500 * 2**-53}
    np.testing.assert_allclose([each.accuracy for each in full], accuracy, **close)
    np.testing.assert_allclose([each.confidence for each in full], mean, **close)
    assert sum(each.images for each in full) == 500
    weights = np.array([each.images for each in full]) / 500
    expected = (weights * np.abs(accuracy - mean)).sum()
    assert found.ece == pytest.approx(expected, rel=1e-12)
    assert found.ece > 0.05


def test_an_edge_belongs_to_the_bin_below_and_all_confidence_has_a_bin():
    edges = np.arange(BINS + 1) / BINS
    found = Calibration.of(edges, np.ones(BINS + 1, bool))
    assert [each.images for each in found.bins] == [2] + [1] * (BINS - 1)
    assert [each.high for each in found.bins] == pytest.approx(edges[1:])
    assert [each.low for each in found.bins] == pytest.approx(edges[:-1])


def test_who_is_as_sure_as_right_has_no_error():
    right = np.array([True] * 3 + [False])
    assert Calibration.of(np.full(4, 0.75), right).ece == 0
    assert Calibration.of(np.full(4, 1.0), ~right).ece == 0.75


def test_the_dictionary_is_json_with_null_for_empty_bins():
    found = Calibration.of(np.array([0.5]), np.array([True])).as_dict()
    again = json.loads(json.dumps(found, allow_nan=False))
    assert again["ece"] == 0.5 and len(again["bins"]) == BINS
    assert again["bins"][0] == {
        **{"low": 0.0, "high": pytest.approx(1 / 15), "images": 0},
        **{"confidence": None, "accuracy": None},
    }
    assert again["bins"][7]["images"] == 1
