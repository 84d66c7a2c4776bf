"""AlexNet and its relatives as uncompiled Keras models."""
# ruff: noqa: E402  the backend is checked before Keras is imported

from keras_alexnet.keras_settings import check_backend

check_backend()

from keras_alexnet.models.alexnet import alexnet
from keras_alexnet.models.lenet5 import lenet5
from keras_alexnet.models.presets import LRN, PRESETS, Preset
from keras_alexnet.models.tower_weights import copy_weights
from keras_alexnet.models.towers import two_towers

__all__ = [
    "LRN",
    "PRESETS",
    "Preset",
    "alexnet",
    "copy_weights",
    "lenet5",
    "two_towers",
]
