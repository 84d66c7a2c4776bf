"""AlexNet (Krizhevsky, Sutskever, Hinton 2012), complete and exact, in Keras."""

from keras_alexnet import data, layers
from keras_alexnet.models import LRN, PRESETS, Preset, alexnet, lenet5
from keras_alexnet.version import VERSION

__version__ = VERSION

__all__ = [
    "LRN",
    "PRESETS",
    "Preset",
    "alexnet",
    "data",
    "layers",
    "lenet5",
]
