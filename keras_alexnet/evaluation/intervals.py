"""How sure an error rate is that was counted on so many pictures."""

import math

# 97.5 % of a normal distribution lie below it: 2.5 % are left out on each side.
Z = 1.959963984540054


def wilson_interval(wrong: int, pictures: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of an error rate, without continuity correction.

    Args:
        wrong: Errors, from 0 to `pictures`.
        pictures: At least 1.

    Returns:
        Lower and upper end, fractions.

    Reference: Wilson 1927, "Probable inference, the law of succession, and statistical
    inference". Unlike `error ± 1.96 standard errors` it stays within 0 and 1, and is
    no point where nothing or everything is wrong.
    """
    rate, spread = wrong / pictures, Z * Z / pictures
    centre = (rate + spread / 2) / (1 + spread)
    half = math.sqrt(spread * (rate * (1 - rate) + spread / 4)) / (1 + spread)
    # There the two are equal but for rounding.
    low = 0.0 if wrong == 0 else centre - half
    high = 1.0 if wrong == pictures else centre + half
    return low, high
