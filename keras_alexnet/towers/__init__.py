"""The network in two towers, each on a device of its own; imported at first use."""

from typing import TYPE_CHECKING

from keras_alexnet.keras_settings import check_backend
from keras_alexnet.registry import hand_on

if TYPE_CHECKING:
    from keras_alexnet.towers.network import two_towers
    from keras_alexnet.towers.weights import copy_weights

__all__ = ["copy_weights", "two_towers"]

check_backend()  # before a module of this room imports Keras

__getattr__, __dir__ = hand_on(
    __name__,
    {
        "copy_weights": "keras_alexnet.towers.weights",
        "two_towers": "keras_alexnet.towers.network",
    },
)
