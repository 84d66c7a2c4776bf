import pytest
from scipy.stats import binomtest, norm

from keras_alexnet.evaluation.intervals import Z, wilson_interval


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
def test_it_is_the_interval_of_the_table(wrong, pictures, low, high):
    found = wilson_interval(wrong, pictures)
    assert found == pytest.approx((low, high), abs=0.00005)


@pytest.mark.parametrize("pictures", [1, 2, 7, 50, 50_000])
def test_it_is_scipys(pictures):
    for wrong in sorted({0, 1, pictures // 3, pictures // 2, pictures - 1, pictures}):
        test = binomtest(wrong, pictures)
        expected = test.proportion_ci(0.95, method="wilson")
        # Some ten operations of 2**-53 each, on numbers up to 1.
        found = wilson_interval(wrong, pictures)
        assert found == pytest.approx((expected.low, expected.high), abs=16 * 2**-53)


def test_nothing_wrong_and_all_wrong_are_mirrored_and_reach_the_end():
    assert norm.cdf(Z) == pytest.approx(0.975, abs=2**-52)
    for pictures in (1, 3, 1000):
        low, high = wilson_interval(0, pictures)
        other_low, other_high = wilson_interval(pictures, pictures)
        assert (low, other_high) == (0.0, 1.0)
        assert high == pytest.approx(1 - other_low, abs=8 * 2**-53) and 0 < high < 1
