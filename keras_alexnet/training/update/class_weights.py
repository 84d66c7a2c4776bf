"""What the loss of a training picture is multiplied by: a number of its class."""

from collections.abc import Sequence

import numpy as np

from tfrecords.plain_text import say


def balanced_weights(counts: Sequence[int]) -> np.ndarray:
    """Return pictures / (classes * pictures of the class), for each class.

    Every class then has the same part in the loss of all pictures, and the mean weight
    of a picture is 1: it is scikit-learn's `balanced`. Classes of equal size all weigh
    exactly 1.

    Args:
        counts: Training pictures of each class, one class with some at least. A class
            without any does not count as one.

    Returns:
        float32 `(classes,)`; 1 for a class without pictures, of which nothing is
        multiplied by it.
    """
    pictures = np.asarray(counts, "float64")
    there = pictures > 0
    weights = np.ones(len(pictures))
    weights[there] = pictures.sum() / (there.sum() * pictures[there])
    return weights.astype("float32")


def say_weights(counts: Sequence[int], labels: Sequence[str]) -> None:
    """Print the smallest and the largest weight in one line.

    Args:
        counts: As `balanced_weights` takes them.
        labels: Names of the classes.
    """
    weights = balanced_weights(counts)
    there = [place for place, count in enumerate(counts) if count]
    least, most = (end(there, key=weights.__getitem__) for end in (min, max))
    say(
        "The loss of a training picture is multiplied by a weight of its class, from "
        f"{weights[least]:.3g} ({labels[least]}) to {weights[most]:.3g} "
        f"({labels[most]})."
    )
