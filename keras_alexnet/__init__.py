"""AlexNet (Krizhevsky, Sutskever, Hinton 2012), complete and exact, in Keras."""

from typing import TYPE_CHECKING

from keras_alexnet.registration import register
from keras_alexnet.registry import hand_on
from keras_alexnet.version import VERSION as __version__

if TYPE_CHECKING:
    from keras_alexnet import data, layers, training
    from keras_alexnet.models import alexnet, cifar_net, lenet5
    from keras_alexnet.presets import LRN, PRESETS, SMALL_PRESETS, Preset, Recipe
    from keras_alexnet.towers import copy_weights, two_towers
    from keras_alexnet.trained import TrainedNetwork, load

__all__ = [
    "LRN",
    "PRESETS",
    "Preset",
    "Recipe",
    "SMALL_PRESETS",
    "TrainedNetwork",
    "__version__",
    "alexnet",
    "cifar_net",
    "copy_weights",
    "data",
    "layers",
    "lenet5",
    "load",
    "training",
    "two_towers",
]

register()

# At first use, because TensorFlow takes seconds to import.
__getattr__, __dir__ = hand_on(
    __name__,
    {
        "LRN": "keras_alexnet.presets",
        "PRESETS": "keras_alexnet.presets",
        "Preset": "keras_alexnet.presets",
        "Recipe": "keras_alexnet.presets",
        "SMALL_PRESETS": "keras_alexnet.presets",
        "TrainedNetwork": "keras_alexnet.trained.network",
        "alexnet": "keras_alexnet.models",
        "cifar_net": "keras_alexnet.models",
        "copy_weights": "keras_alexnet.towers",
        "data": "",
        "layers": "",
        "lenet5": "keras_alexnet.models",
        "load": "keras_alexnet.trained.opening",
        "training": "",
        "two_towers": "keras_alexnet.towers",
    },
)
