"""What a format of an export is: its file, how it is opened, how others use it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from keras_alexnet.trained.network import TrainedNetwork

# From a file that was just written, and the network that it was made of, to what
# computes probabilities of images with nothing but the file.
Opened = Callable[[Path, TrainedNetwork], Callable[[Any], np.ndarray]]


@dataclass(frozen=True)
class Format:
    """A format whose export is a network folder, or a version of a SavedModel.

    Attributes:
        name: As `--to` says it.
        file: Name of the network's file.
        title: What the file is, in words.
        install: What the example needs, for pip.
        example: Python that names what is in `picture.jpg`; see `export.example`.
        opened: How it is checked.
        layout: Order of the axes of `images`.
        quantised: Whether its weights are of 8 bits.
    """

    name: str
    file: str
    title: str
    install: str
    example: Callable[[TrainedNetwork], str]
    opened: Opened
    layout: Literal["NHWC", "NCHW"] = "NHWC"
    quantised: bool = False
