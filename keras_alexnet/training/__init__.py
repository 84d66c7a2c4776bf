"""Training through `model.fit`: the paper's update rule, plateaus and run folders."""

from typing import TYPE_CHECKING

from keras_alexnet.keras_settings import check_backend
from keras_alexnet.registry import hand_on

if TYPE_CHECKING:
    from keras_alexnet.training.compile import compile_network
    from keras_alexnet.training.control import Control
    from keras_alexnet.training.fit import train

__all__ = ["Control", "compile_network", "train"]

check_backend()

__getattr__, __dir__ = hand_on(
    __name__,
    {
        "Control": "keras_alexnet.training.control",
        "compile_network": "keras_alexnet.training.compile",
        "train": "keras_alexnet.training.fit",
    },
)
