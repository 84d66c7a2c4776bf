"""The network of any preset."""

import keras

from keras_alexnet.models.cifar import cifar_net
from keras_alexnet.models.network import alexnet
from keras_alexnet.presets import AnyPreset, SmallPreset


def network_of(preset: AnyPreset, num_classes: int) -> keras.Model:
    """Build the uncompiled network of a preset in float32, to be given weights.

    Args:
        preset: An AlexNet or a small net.
        num_classes: Number of logits.
    """
    if isinstance(preset, SmallPreset):
        return cifar_net(preset, num_classes=num_classes, seed=0, dtype="float32")
    return alexnet(preset, num_classes, seed=0, dtype="float32")
