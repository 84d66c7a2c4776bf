"""Keras layers that AlexNet needs and Keras does not have."""
# ruff: noqa: E402  the backend is checked before Keras is imported

from keras_alexnet.keras_settings import check_backend

check_backend()

from keras_alexnet.layers.dropout import InvertedDropout, OriginalDropout
from keras_alexnet.layers.grouped_conv import GroupedConv2D
from keras_alexnet.layers.in_map_norm import InMapResponseNormalization
from keras_alexnet.layers.local_response_norm import LocalResponseNormalization

__all__ = [
    "GroupedConv2D",
    "InMapResponseNormalization",
    "InvertedDropout",
    "LocalResponseNormalization",
    "OriginalDropout",
]
