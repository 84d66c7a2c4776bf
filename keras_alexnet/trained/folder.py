"""A run folder: all that prediction and export need, without the dataset."""

import contextlib
import dataclasses
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.data.mean import load_statistics, mean_patch
from keras_alexnet.models import alexnet
from keras_alexnet.models.finiteness import find_not_finite
from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.names import CONFIG_FILE
from tfrecords import Manifest, Statistics
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.dataset.labels import read_labels
from tfrecords.dataset.names import LABELS_FILE, STATISTICS_FILE
from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, staged, temporary_path

CHECKPOINTS = "checkpoints"
BEST_FILE = "best.keras"
HISTORY_FILE = "history.csv"


def create_run(run: Path, config: TrainConfig) -> TrainConfig:
    """Fill a new folder: configuration, and labels and statistics of the dataset.

    What a process left that was killed while it did is made again.

    Returns:
        The configuration with the facts of the dataset filled in.

    Raises:
        DatasetError: The dataset is incomplete, the folder holds something already, or
            it cannot be written.
    """
    check_folder_name(run)
    config = with_dataset_facts(config)
    try:
        if any(run.iterdir()) and not _is_half_made(run):
            raise DatasetError(
                f"Expected a new or empty run folder, found files in {run}. "
                "Go on with --resume, or choose another folder."
            )
        (run / CHECKPOINTS).mkdir(exist_ok=True)
        for name in (LABELS_FILE, STATISTICS_FILE):
            with staged(run / name) as temporary:
                shutil.copyfile(Path(config.data) / name, temporary)
        config.save(run)
    except OSError as error:
        raise disk_error(error, run / CONFIG_FILE) from None
    return config


def _is_half_made(run: Path) -> bool:
    """Whether a process was killed here while it made the folder."""
    checkpoints = run / CHECKPOINTS
    made = {run / name for name in (LABELS_FILE, STATISTICS_FILE)}
    made |= {temporary_path(path) for path in (*made, run / CONFIG_FILE)}
    empty = checkpoints.is_dir() and not any(checkpoints.iterdir())
    return empty and {*run.iterdir()} <= made | {checkpoints}


@contextlib.contextmanager
def claim_run(run: Path, *, make: bool) -> Iterator[None]:
    """Hold a run folder for one training, until the block or the process ends.

    Args:
        run: The folder.
        make: Whether to make it where there is none.

    Raises:
        DatasetError: Another process trains in it, there is none, or it cannot be made.
    """
    try:
        if make:
            run.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(run, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if make:
            raise disk_error(error, run / CONFIG_FILE) from None
        raise DatasetError(f"Expected a run folder, found none at {run}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise DatasetError(
                    f"Another process is training in {run}. Wait until it has ended, "
                    "or choose another folder."
                ) from None
            # A file system without locks on folders: nothing is known of others.
        yield
    finally:
        os.close(descriptor)


def with_dataset_facts(config: TrainConfig) -> TrainConfig:
    """Return the configuration with what the dataset says of itself.

    Raises:
        DatasetError: The dataset is incomplete.
    """
    manifest = Manifest.load(config.data)
    if not manifest.count("train"):
        raise DatasetError(
            f"Expected a training split in {config.data}, found "
            f"{', '.join(manifest.splits)}. Build it from a source with training "
            "pictures; this one is for alexnet evaluate."
        )
    load_statistics(config.data)
    return dataclasses.replace(
        config,
        num_classes=manifest.num_classes,
        stored_size=manifest.image_size,
        resize_filter=manifest.options["filter"],
        apply_exif=bool(manifest.options.get("apply_exif")),
    )


def build_model(config: TrainConfig, dtype: Any = None) -> keras.Model:
    """Build the network of a run with the initial weights of its seed."""
    return alexnet(
        config.preset,
        config.num_classes,
        seed=config.seed,
        dtype=dtype,
        **config.overrides,
    )


def save_best(run: Path, config: TrainConfig, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the network of the best epoch: `alexnet()`, float32, for any device.

    Args:
        run: The run folder.
        config: Its configuration.
        arrays: What `model_state.capture` gave.

    Raises:
        DatasetError: The network gives no numbers any more; an earlier one stays.
        OSError: The disk is full or the folder not writable; nothing is left.
    """
    with tf.device("CPU:0"):
        portable = build_model(config, dtype="float32")
        for layer in portable.layers:
            for variable in layer.weights:
                variable.assign(arrays[f"model/{layer.name}/{variable.name}"])
        wrong = find_not_finite(portable)
    if wrong:
        raise DatasetError(
            f"The training has diverged: {wrong} is no longer finite, and has not been "
            "saved. Lower --learning-rate in a new run."
        )
    path = run / BEST_FILE
    # Keras insists on the suffix.
    temporary = temporary_path(path).with_suffix(".keras")
    try:
        portable.save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def load_best(run: Path) -> keras.Model:
    """Load the best network of a run, float32.

    Raises:
        DatasetError: The run has no finished epoch, the file is damaged, or its network
            gives no numbers.
    """
    path = Path(run) / BEST_FILE
    if not path.exists():
        raise DatasetError(
            f"Expected {BEST_FILE} in {run}: no epoch has finished. "
            "Go on with: alexnet train DATA RUN --resume."
        )
    try:
        model = keras.models.load_model(path, compile=False)
    except (OSError, ValueError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise DatasetError(f"Cannot load {path}: {reason}") from None
    wrong = find_not_finite(model)
    if wrong:
        raise DatasetError(
            f"The network in {path} is of no use: {wrong} is not finite, so its "
            "training has diverged. Train again in a new run with a lower "
            "--learning-rate."
        )
    return model


def load_labels(run: Path) -> list[str]:
    """Return the class names of a run in label order."""
    return list(read_labels(Path(run)))


def load_mean(run: Path, config: TrainConfig) -> np.ndarray:
    """Return the mean that a run subtracts: float32 `(input_size, input_size, 3)`."""
    statistics = Statistics.load(Path(run) / STATISTICS_FILE)
    return mean_patch(statistics, config.resolve().input_size, config.mean)
