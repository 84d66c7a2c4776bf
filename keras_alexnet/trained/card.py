"""All that a network folder says beside the weights, for a file that stands alone."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_alexnet.data.picture import RESIZE_METHODS
from keras_alexnet.data.preprocessing import Preprocessing
from keras_alexnet.trained.config_file import (
    NetworkConfig,
    config_document,
    config_of,
)
from keras_alexnet.trained.input_facts import MEAN_ARRAYS
from keras_alexnet.trained.names import STATISTICS
from tfrecords import Statistics
from tfrecords.errors import UserError

MOST_CARD = 2**22 - 2**16  # bytes; that of 1,000 classes has some 30,000


class NetworkCard(NamedTuple):
    """What a network is, beside its weights.

    Attributes:
        labels: Class names in label order.
        config: Preset, recipe and preprocessing; nothing of a run.
        statistics: Of the pictures that it learnt from.
        source: What it was made from, such as `name` and `sha256` of a file; may be
            empty.
    """

    labels: list[str]
    config: NetworkConfig
    statistics: Statistics
    source: Mapping[str, Any]


def card_text(card: NetworkCard) -> str:
    """Return a card as JSON; the same card is the same text.

    `mean` names the array of `card_arrays` that the preprocessing subtracts; null where
    it subtracts nothing.

    Raises:
        UserError: The names of the classes are too long to be read again.
    """
    bare = NetworkConfig(card.config.preset, card.config.preprocessing)
    mean = MEAN_ARRAYS[card.config.preprocessing["mean"]]
    document = config_document(bare) | {
        "mean": None if mean is None else f"{STATISTICS}{mean}",
        "labels": list(card.labels),
        "source": dict(card.source),
    }
    text = json.dumps(document, allow_nan=False)
    if len(text) > MOST_CARD:
        raise UserError(
            f"Expected class names of at most {MOST_CARD:,} bytes together, got "
            f"{len(text):,}. Take shorter ones."
        )
    return text


def card_arrays(card: NetworkCard) -> dict[str, np.ndarray]:
    """Return the statistics by the names that a file gives them."""
    arrays = vars(card.statistics).items()
    return {f"{STATISTICS}{name}": np.array(x, order="C") for name, x in arrays}


def read_card(text: str, arrays: Mapping[str, np.ndarray], where: str) -> NetworkCard:
    """Read what `card_text` and `card_arrays` gave; it may be from anybody.

    Args:
        text: The JSON.
        arrays: By the names of `card_arrays`.
        where: The file, for the error.

    Raises:
        UserError: It is no card, or says of pictures what cannot be.
    """
    try:
        document = json.loads(text)
        config, labels = config_of(document), document["labels"]
        bare = {name.removeprefix(STATISTICS): x for name, x in arrays.items()}
        statistics = Statistics.from_arrays(bare, where)
        _check(config, statistics)
        for label in labels:
            if type(label) is not str or len(label.splitlines()) != 1:
                raise ValueError(f"a class name {str(label)[:60]!r}")
        if type(labels) is not list or type(document["source"]) is not dict:
            raise ValueError("no list of labels or no source")
    # What JSON may hold where something else should be.
    except (
        LookupError,
        TypeError,
        ValueError,
        AttributeError,
        RecursionError,
    ) as bad:
        reason = (str(bad).splitlines() or [type(bad).__name__])[0]
        raise UserError(
            f"Expected the card of a network in {where}, found a damaged one "
            f"({reason}). Export the network again."
        ) from None
    return NetworkCard(labels, config, statistics, document["source"])


def _check(config: NetworkConfig, statistics: Statistics) -> None:
    facts, sides = config.preprocessing, statistics.mean_image.shape[:2]
    size, view = facts["stored_size"], facts["input_size"]
    known = facts["resize_filter"] in RESIZE_METHODS
    if not known or facts["apply_exif"] not in (True, False, None):
        raise ValueError("pictures are resized or turned in no known way")
    if type(size) is not int or type(view) is not int:
        raise ValueError("sizes that are no whole numbers")
    if statistics.mean_image.dtype != np.float32:
        raise ValueError(f"a mean image of {statistics.mean_image.dtype}")
    if sides != (size, size) or not 1 <= view <= size:
        raise ValueError(f"views of {view} pixels, a mean of {sides[0]} x {sides[1]}")
    if view != config.preset.input_size:
        raise ValueError(f"views of {view} pixels for another network")
    Preprocessing.of(facts, statistics)
