"""Keras layers that AlexNet needs and Keras does not have, imported at first use."""

from typing import TYPE_CHECKING

from keras_alexnet.keras_settings import check_backend
from keras_alexnet.registry import hand_on

if TYPE_CHECKING:
    from keras_alexnet.layers.dense import Dense
    from keras_alexnet.layers.dropout import InvertedDropout, OriginalDropout
    from keras_alexnet.layers.grouped_conv import GroupedConv2D
    from keras_alexnet.layers.in_map_norm import InMapResponseNormalization
    from keras_alexnet.layers.local_response_norm import LocalResponseNormalization
    from keras_alexnet.layers.locally_connected import LocallyConnected2D

__all__ = [
    "Dense",
    "GroupedConv2D",
    "InMapResponseNormalization",
    "InvertedDropout",
    "LocalResponseNormalization",
    "LocallyConnected2D",
    "OriginalDropout",
]

check_backend()  # before a module of this room imports Keras

__getattr__, __dir__ = hand_on(
    __name__,
    {
        "Dense": "keras_alexnet.layers.dense",
        "GroupedConv2D": "keras_alexnet.layers.grouped_conv",
        "InMapResponseNormalization": "keras_alexnet.layers.in_map_norm",
        "InvertedDropout": "keras_alexnet.layers.dropout",
        "LocalResponseNormalization": "keras_alexnet.layers.local_response_norm",
        "LocallyConnected2D": "keras_alexnet.layers.locally_connected",
        "OriginalDropout": "keras_alexnet.layers.dropout",
    },
)
