import numpy as np
import pytest

from scripts.benchmarks.order import Counts, OrderOptions, measure, orders

OPTIONS = OrderOptions(seeds=3, records=1000, batch_size=50, shards=4, buffer=100)


def count(order):
    return Counts(order, OPTIONS, lambda seed: None)


def test_an_order_that_stays_is_told_from_a_random_one():
    found = count(lambda seed, epoch: np.arange(1000))
    assert (found.neighbours, found.same_place) == (999, 1000)
    # All pairs of a batch stay, where 49 of 999 others would be met.
    assert found.again == pytest.approx(999 / 49)
    # Of 10,000 cells 100 have 30 each, where 0.3 are expected.
    chi = 100 * (30 - 0.3) ** 2 / 0.3 + 9900 * 0.3
    assert found.deviations == pytest.approx((chi - 99**2) / np.sqrt(2) / 99)


def test_random_orders_are_as_expected():
    generator = np.random.default_rng(1)
    found = count(lambda seed, epoch: generator.permutation(1000))
    assert abs(found.deviations) < 4 and abs(found.again - 1) < 0.1
    assert found.neighbours < 10 and found.same_place < 10


def test_each_kind_has_every_record_once_and_changes():
    for name, order in orders(OPTIONS).items():
        first, second = order(1, 0), order(1, 1)
        assert [*np.sort(first)] == [*np.sort(second)] == [*range(1000)], name
        assert np.any(first != second), name
        np.testing.assert_array_equal(order(1, 0), first, name)


def test_a_record_has_four_figures_of_each_kind():
    assert len(measure(OPTIONS).figures) == 4 * len(orders(OPTIONS))
