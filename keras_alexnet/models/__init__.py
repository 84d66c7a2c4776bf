"""AlexNet and its relatives as uncompiled Keras models."""
# ruff: noqa: E402  the backend is checked before Keras is imported

from keras_alexnet.keras_settings import check_backend

check_backend()

from keras_alexnet.models.lenet import lenet5
from keras_alexnet.models.network import alexnet
from keras_alexnet.presets.preset import LRN, PRESETS, Preset
from keras_alexnet.towers.network import two_towers
from keras_alexnet.towers.weights import copy_weights

__all__ = [
    "LRN",
    "PRESETS",
    "Preset",
    "alexnet",
    "copy_weights",
    "lenet5",
    "two_towers",
]
