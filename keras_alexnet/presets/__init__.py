"""The six AlexNets that people mean, as pure data: no Keras, no TensorFlow."""

from keras_alexnet.presets.preset import LRN, Preset
from keras_alexnet.presets.recipe import Recipe
from keras_alexnet.registry import Registry

__all__ = ["LRN", "PRESETS", "Preset", "Recipe", "find_preset"]

PRESETS: Registry[Preset] = Registry(
    "preset",
    {
        "paper": "keras_alexnet.presets.paper:PAPER",
        "released": "keras_alexnet.presets.released:RELEASED",
        "caffe_alexnet": "keras_alexnet.presets.caffe:CAFFE_ALEXNET",
        "caffenet": "keras_alexnet.presets.caffe:CAFFENET",
        "one_weird_trick": "keras_alexnet.presets.one_weird_trick:ONE_WEIRD_TRICK",
        "one_gpu": "keras_alexnet.presets.one_gpu:ONE_GPU",
    },
)


def find_preset(preset: str | Preset) -> Preset:
    """Return the preset of a name, or the one that is given.

    Raises:
        UserError: There is none of that name; the error says which there are.
    """
    return preset if isinstance(preset, Preset) else PRESETS[preset]
