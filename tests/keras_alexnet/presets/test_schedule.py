import pytest

from keras_alexnet.presets.schedule import SCHEDULES


def test_the_other_facts_of_the_logs():
    first, second = SCHEDULES["released-2010"], SCHEDULES["released-2012"]
    assert (first.stop, second.stop) == (93, 91)
    assert (first.colour_off, second.colour_off) == (68, 67)
    assert "plateau" not in SCHEDULES


@pytest.mark.parametrize(
    ("epoch", "conv1", "others", "biases"),
    [
        (0, 1.0, 1.0, 1.0),
        (24, 1.0, 1.0, 1.0),
        (25, 0.1, 0.1, 0.1),
        (51, 0.01, 0.01, 0.1),
        (67, 0.001, 0.01, 0.1),
        (72, 0.0, 0.01, 0.1),
        (79, 0.0, 0.001, 0.1),
        (200, 0.0, 0.001, 0.1),
    ],
)
def test_the_rates_of_2012_epoch_by_epoch(epoch, conv1, others, biases):
    """Of layer-params-145.cfg: conv1 is slowed, then frozen, its biases with it."""
    schedule = SCHEDULES["released-2012"]
    assert schedule.rate(epoch, "conv1", "kernel") == pytest.approx(conv1)
    assert schedule.rate(epoch, "fc6", "kernel") == pytest.approx(others)
    assert schedule.rate(epoch, "fc6", "bias") == pytest.approx(biases)
    frozen = 0.0 if epoch >= 72 else biases
    assert schedule.rate(epoch, "conv1", "bias") == pytest.approx(frozen)
