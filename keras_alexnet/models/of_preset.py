"""The network of any preset."""

from typing import Any

import keras

from keras_alexnet.models.cifar import cifar_net
from keras_alexnet.models.geometry import check_size
from keras_alexnet.models.lenet import check_lenet_classes, lenet_of
from keras_alexnet.models.network import alexnet
from keras_alexnet.presets import AnyPreset, LenetPreset, Preset
from tfrecords.errors import UserError

_MOST_SIDES = 1.5  # of a crop, along a picture; 32 / 24 in 13pct and 11pct


def network_of(
    preset: AnyPreset, num_classes: int, *, seed: int = 0, dtype: Any = "float32"
) -> keras.Model:
    """Build the uncompiled network of a preset.

    Args:
        preset: An AlexNet or a small net.
        num_classes: Number of logits.
        seed: Of the initial weights and of the dropout masks.
        dtype: Keras dtype policy of the layers.
    """
    if isinstance(preset, Preset):
        return alexnet(preset, num_classes, seed=seed, dtype=dtype)
    if isinstance(preset, LenetPreset):
        return lenet_of(preset, num_classes, seed=seed, dtype=dtype)
    return cifar_net(preset, num_classes=num_classes, seed=seed, dtype=dtype)


def check_network(preset: AnyPreset, stored_size: int, num_classes: int) -> None:
    """Refuse a network that could not learn from a dataset.

    Args:
        preset: An AlexNet or a small net.
        stored_size: Side in pixels of the pictures that crops are cut from.
        num_classes: Number of logits.

    Raises:
        UserError: The input leaves no map, the crops of a small net would show a small
            part of the picture, or a network of 10 targets has other classes.
    """
    if isinstance(preset, LenetPreset):
        check_lenet_classes(preset.form, num_classes)
    if isinstance(preset, Preset):
        check_size(preset)
    elif stored_size > _MOST_SIDES * preset.input_size:
        raise UserError(
            f"Expected pictures of about {preset.stored_size} pixels for "
            f"{preset.name}, got {stored_size}: crops of {preset.input_size} would "
            f"show little of them. Build with --size {preset.stored_size}."
        )
