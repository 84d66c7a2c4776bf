import numpy as np
import pytest

from tfrecords import DatasetError
from tfrecords.ranges import MOST_COUNT, check_count, check_number

NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("value", [None, 1, 5, np.int64(5), MOST_COUNT])
def test_counts_within_their_range_pass(value):
    check_count("epochs", value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0, "Expected epochs >= 1, got 0."),
        (-3, "Expected epochs >= 1, got -3."),
        (2**31, "Expected epochs from 1 to 2147483647, got 2147483648."),
        (1.0, "Expected a whole number for epochs, got 1.0."),
        (NAN, "Expected a whole number for epochs, got nan."),
        (True, "Expected a whole number for epochs, got True."),
        ("3", "Expected a whole number for epochs, got '3'."),
    ],
)
def test_other_counts_are_refused_with_the_range(value, message):
    with pytest.raises(DatasetError) as error:
        check_count("epochs", value)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("bounds", "good", "bad", "text"),
    [
        ({"least": 0, "most": 1}, (0, 0.5, 1), (-0.1, 1.1), "from 0 to 1"),
        ({"above": 0}, (1e-9, 1e30), (0, -1), "> 0"),
        ({"least": 0, "below": 1}, (0, 0.9), (1, -0.1), ">= 0 and < 1"),
        ({}, (-1e300, 0), (), "finite"),
    ],
)
def test_numbers_and_their_range(bounds, good, bad, text):
    for value in (None, *good):
        check_number("share", value, **bounds)
    for value in (*bad, NAN, INF, -INF, True, "1"):
        with pytest.raises(DatasetError) as error:
            check_number("share", value, **bounds)
        assert str(error.value) == f"Expected share {text}, got {value}."
