"""The range that a number of an option has to be in."""

import math
from numbers import Integral, Real
from typing import Any

from tfrecords.errors import DatasetError

MOST_COUNT = 2**31 - 1  # of anything that TensorFlow counts in 32 bits


def check_count(name: str, value: Any, least: int = 1, most: int = MOST_COUNT) -> None:
    """Check a whole number from `least` to `most`; None, for a default, passes.

    Raises:
        DatasetError: It is something else; NaN and True are.
    """
    if value is None:
        return
    if not _is_a(value, Integral):
        raise DatasetError(f"Expected a whole number for {name}, got {value!r}.")
    below = value < least and most == MOST_COUNT  # then the most is not what matters
    check_number(name, value, least=least, most=math.inf if below else most)


def check_number(
    name: str,
    value: Any,
    *,
    least: float = -math.inf,
    above: float = -math.inf,
    below: float = math.inf,
    most: float = math.inf,
) -> None:
    """Check a finite number in an interval; None, for a default, passes.

    Args:
        name: What to call it in the error.
        value: What was given.
        least: Smallest number allowed.
        above: It has to be larger than this.
        below: It has to be smaller than this.
        most: Largest number allowed.

    Raises:
        DatasetError: It is something else; NaN, infinity and True are.
    """
    if value is None:
        return
    inside = _is_a(value, Real) and math.isfinite(value)
    if not inside or not (least <= value <= most and above < value < below):
        raise DatasetError(
            f"Expected {name} {_range(least, above, below, most)}, got {value}."
        )


def _range(least: float, above: float, below: float, most: float) -> str:
    if math.isfinite(least) and math.isfinite(most):
        return f"from {least} to {most}"
    bounds = {">=": least, ">": above, "<": below, "<=": most}
    given = [
        f"{sign} {bound}" for sign, bound in bounds.items() if math.isfinite(bound)
    ]
    return " and ".join(given) or "finite"


def _is_a(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)
