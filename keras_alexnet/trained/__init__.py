"""A trained network and the folder that it lies in."""

from typing import TYPE_CHECKING

from keras_alexnet.registry import hand_on

if TYPE_CHECKING:
    from keras_alexnet.trained.network import TrainedNetwork
    from keras_alexnet.trained.opening import load

__all__ = ["TrainedNetwork", "load"]

__getattr__, __dir__ = hand_on(
    __name__,
    {
        "TrainedNetwork": "keras_alexnet.trained.network",
        "load": "keras_alexnet.trained.opening",
    },
)
