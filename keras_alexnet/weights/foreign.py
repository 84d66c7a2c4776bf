"""What a file of other people's weights holds, under our names and in our layouts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from keras_alexnet.presets import PRESETS, AnyPreset
from tfrecords.errors import UserError

if TYPE_CHECKING:
    from keras_alexnet.trained.card import NetworkCard

# The largest preset has 62 million numbers: so much of a file, and so many numbers of
# it, are a mistake or meant to harm.
MOST_BYTES = 2**30
MOST_NUMBERS = 2**27


@dataclass(frozen=True, eq=False)
class InputRule:
    """How pictures have to be made ready for the weights.

    Attributes:
        stored_size: Side in pixels of the square that a picture is scaled and cut to.
        resize: short_side or warp, as in `data.preprocessing`.
        resize_filter: bilinear, bicubic, lanczos or box.
        mean: What is subtracted: float32 `(3,)` or `(stored_size, stored_size, 3)`, RGB
            of 0-255 scale; zeros where nothing is.
        mean_at: Where a mean image is cut: at the view or the centre, as in
            `data.preprocessing`.
        channels: Order of the colours in Caffe's files of means: bgr or rgb.
    """

    stored_size: int
    resize: str
    resize_filter: str
    mean: np.ndarray
    mean_at: str = "centre"
    channels: Literal["bgr", "rgb"] = "bgr"


class SavedLayer(NamedTuple):
    """A layer as a file tells of it.

    Attributes:
        kind: Name of its class, which is not looked up.
        name: Its own.
        constants: What its answers depend on, beside its weights.
        before: Name of the layer that it takes; empty: of none, or not of one alone.
    """

    kind: str
    name: str
    constants: Mapping[str, Any]
    before: str


@dataclass(frozen=True, eq=False)
class ForeignWeights:
    """Weights as a reader gives them.

    Attributes:
        arrays: `conv1.kernel`, `conv1.bias` and so on -> float array, in the layout of
            Keras and RGB order. What has no place in ours keeps its own name.
        rule: The pictures that they were trained on.
        presets: Names of those that the file may be of, the likeliest first.
        certain: Whether the file itself says that, so that nobody else may.
        labels: Class names where the file has them, else empty.
        preset: What the file says that it is, with every field; None: it does not.
        card: All that a network folder says, where the file says it; None: it does not.
        layers: Those of its network, where the file tells of each; else empty.
    """

    arrays: Mapping[str, np.ndarray]
    rule: InputRule
    presets: tuple[str, ...] = field(default_factory=lambda: tuple(PRESETS))
    certain: bool = False
    labels: tuple[str, ...] = ()
    preset: AnyPreset | None = None
    layers: tuple[SavedLayer, ...] = ()
    card: "NetworkCard | None" = None


def check_numbers(counts: Mapping[str, int], where: str) -> None:
    """Refuse more numbers than any network of ours has, before they are read.

    Args:
        counts: Name of an array -> its elements, as the file says.
        where: The file, for the error.

    Raises:
        UserError: There are too many.
    """
    total = sum(counts.values())
    if total > MOST_NUMBERS:
        largest = max(counts, key=lambda name: counts[name])
        raise UserError(
            f"Expected at most {MOST_NUMBERS:,} numbers in {where}, found {total:,}, "
            f"{counts[largest]:,} of them in {largest!r}: no AlexNet has as many."
        )


def check_file_size(path: Path) -> None:
    """Refuse a file that is larger than any network of ours.

    Raises:
        UserError: It is, or there is none.
    """
    if not path.is_file():
        raise UserError(f"Expected a file of weights, found none in {path}.")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UserError(
            f"Expected a file of at most {MOST_BYTES:,} bytes, {path} has {size:,}: no "
            "AlexNet is as large. Give one that holds the weights alone."
        )
