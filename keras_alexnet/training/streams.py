"""The batches of a run: what it trains on and what it watches, as uint8."""

import functools
import math
from typing import TypeAlias

import tensorflow as tf

from keras_alexnet.data import evaluation_batches, training_batches
from keras_alexnet.data.picture_cache import PictureCache, cache_pictures
from keras_alexnet.data.records import open_split
from keras_alexnet.presets import Preset
from keras_alexnet.presets.schedule import SCHEDULES
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.run_dataset import RunDataset

Batches: TypeAlias = tf.data.Dataset | tf.distribute.DistributedDataset
Validation: TypeAlias = tuple[Batches, int]  # and its number of steps


def training_stream(
    preset: Preset,
    dataset: RunDataset,
    plan: DevicePlan,
    *,
    epoch: int,
    step: int,
    last: int,
    cache: PictureCache | None = None,
) -> Batches:
    """Return the batches from a step of an epoch on.

    Args:
        preset: Network and recipe.
        dataset: What is read.
        plan: The devices that read.
        epoch: Epoch to start with, counted from 0.
        step: Batches of it to leave out.
        last: Epoch to stop before.
        cache: Of `training_cache`; None reads the records.
    """
    recipe = preset.recipe
    schedule = SCHEDULES[recipe.schedule]
    make = functools.partial(
        training_batches,
        dataset.folder,
        manifest=dataset.manifest,
        cache=cache,
        batch_size=recipe.batch_size,
        input_size=preset.input_size,
        epochs=last,
        first_epoch=epoch,
        first_step=step,
        seed=recipe.seed,
        flip=recipe.flip,
        colour_noise=recipe.colour_noise,
        colour_epochs=None if schedule is None else schedule.colour_off,
        crop_chunk=recipe.crop_chunk,
    )
    return plan.distribute(make)


def training_cache(preset: Preset, dataset: RunDataset) -> PictureCache | None:
    """Decode all that a run trains on; None, and a line, where it does not fit."""
    size = preset.input_size
    split = open_split(dataset.folder, "train", size, dataset.manifest)
    return cache_pictures(split, size)


def validation_stream(
    preset: Preset, dataset: RunDataset, plan: DevicePlan
) -> Validation:
    """Return the pictures that training watches, and their number of batches."""
    split, size = dataset.validation_split, preset.recipe.batch_size
    make = functools.partial(
        evaluation_batches,
        dataset.folder,
        manifest=dataset.manifest,
        split=split,
        batch_size=size,
        input_size=preset.input_size,
    )
    return plan.distribute(make, again=True), math.ceil(
        dataset.manifest.count(split) / size
    )
