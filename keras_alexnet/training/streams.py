"""The batches of a run: what it trains on and what it watches, as uint8."""

import functools
import math
from typing import Any, TypeAlias

import tensorflow as tf

from keras_alexnet.data import BatchRows, evaluation_batches, training_batches
from keras_alexnet.data.feature_cache import FeatureCache
from keras_alexnet.data.feature_stream import feature_batches, features_in_order
from keras_alexnet.data.picture_cache import PictureCache, cache_pictures
from keras_alexnet.data.records import open_split
from keras_alexnet.presets import AnyPreset
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.run_dataset import RunDataset

Batches: TypeAlias = tf.data.Dataset | tf.distribute.DistributedDataset
Validation: TypeAlias = tuple[Batches, int]  # and its number of steps


def training_stream(
    preset: AnyPreset,
    dataset: RunDataset,
    plan: DevicePlan,
    *,
    epoch: int,
    step: int,
    last: int,
    cache: PictureCache | None = None,
    features: FeatureCache | None = None,
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
        features: Of the training split; None gives the pictures.
    """
    recipe = preset.recipe
    order: dict[str, Any] = {
        "manifest": dataset.manifest,
        "batch_size": recipe.batch_size,
        "input_size": preset.input_size,
        "epochs": last,
        "first_epoch": epoch,
        "first_step": step,
        "seed": recipe.seed,
        "read_run": recipe.read_run or 1,
    }
    if features is not None:
        make = functools.partial(feature_batches, dataset.folder, features, **order)
        return plan.distribute(make)
    schedule = recipe.fixed_schedule
    make = functools.partial(
        training_batches,
        dataset.folder,
        **order,
        cache=cache,
        random_crop=recipe.random_crop,
        flip=recipe.flip,
        colour_noise=recipe.colour_noise,
        colour_epochs=None if schedule is None else schedule.colour_off,
        crop_chunk=recipe.crop_chunk,
    )
    return plan.distribute(make)


def training_cache(preset: AnyPreset, dataset: RunDataset) -> PictureCache | None:
    """Decode all that a run trains on; None, and a line, where it does not fit."""
    size = preset.input_size
    split = open_split(dataset.folder, "train", size, dataset.manifest)
    return cache_pictures(split, size)


def validation_stream(
    preset: AnyPreset,
    dataset: RunDataset,
    plan: DevicePlan,
    features: FeatureCache | None = None,
) -> Validation:
    """Return the pictures that training watches, and their number of batches.

    Args:
        preset, dataset, plan: As in `training_stream`.
        features: Of the split that is watched; None gives the pictures.
    """
    split, size = dataset.validation_split, preset.recipe.batch_size
    count = dataset.manifest.count(split)
    make = functools.partial(every_picture, preset, dataset, split)
    if features is not None:
        make = functools.partial(features_in_order, features, batch_size=size)
    return plan.distribute(make, again=True), math.ceil(count / size)


def every_picture(
    preset: AnyPreset, dataset: RunDataset, split: str, rows: BatchRows | None = None
) -> tf.data.Dataset:
    """Return the centre view of every picture of a split, in order.

    Args:
        preset: Network and recipe, whose batches they come in; the last has the rest.
        dataset: What is read.
        split: Which part of it.
        rows: As in `evaluation_batches`.
    """
    return evaluation_batches(
        dataset.folder,
        rows=rows,
        manifest=dataset.manifest,
        split=split,
        batch_size=preset.recipe.batch_size,
        input_size=preset.input_size,
    )
