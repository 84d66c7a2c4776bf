"""AlexNet and its relatives as uncompiled Keras models."""

from keras_alexnet.models.alexnet import alexnet
from keras_alexnet.models.lenet5 import lenet5
from keras_alexnet.models.presets import LRN, PRESETS, Preset

__all__ = ["LRN", "PRESETS", "Preset", "alexnet", "lenet5"]
