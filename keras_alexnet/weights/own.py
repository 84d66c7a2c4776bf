"""Weights that programs of ours saved without saying what pictures they need."""

import dataclasses
from pathlib import Path

import numpy as np

from keras_alexnet.models.layer_table import CONV_LAYERS
from keras_alexnet.presets import AnyPreset
from keras_alexnet.weights.caffe import PARTS
from keras_alexnet.weights.foreign import InputRule
from keras_alexnet.weights.torch import MEAN
from tfrecords import Statistics
from tfrecords.errors import UserError

DENSE_LAYERS = ("fc6", "fc7", "fc8")
TENSORS = tuple(f"{x}.{part}" for x in (*CONV_LAYERS, *DENSE_LAYERS) for part in PARTS)
# As `alexnet build` stores pictures if nothing else is said, less the mean colour of
# ImageNet, which is what torchvision subtracts.
OWN_RULE = InputRule(256, "short_side", "bicubic", MEAN.astype("float32"))


def with_statistics(path: Path, preset: AnyPreset) -> tuple[InputRule, Statistics]:
    """Return the rule of pictures whose statistics are known, and those.

    Args:
        path: `statistics.npz` of the dataset that the weights were trained on.
        preset: The network; its recipe says whether an image or a colour is subtracted.

    Raises:
        UserError: There are none, or of pictures smaller than the network's.
    """
    if not path.is_file():
        raise UserError(
            f"Expected the statistics.npz of a dataset, found no file {path}. It lies "
            "beside the shards that the weights were trained on."
        )
    statistics = Statistics.load(path)
    sides = statistics.mean_image.shape[:2]
    if sides != (sides[0],) * 2 or sides[0] < preset.input_size:
        raise UserError(
            f"Expected statistics of square pictures of {preset.input_size} pixels or "
            f"more, found {sides[0]} x {sides[1]} in {path}. Give those of the dataset "
            "that the weights were trained on."
        )
    mean = statistics.mean_image
    if preset.recipe.mean == "channel":
        mean = statistics.channel_means.astype(np.float32)
    rule = dataclasses.replace(OWN_RULE, stored_size=sides[0], mean=mean)
    return rule, statistics
