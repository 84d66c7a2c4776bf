"""A run folder: a network folder in the making, with its checkpoints and history."""

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_alexnet.models.finiteness import find_not_finite
from keras_alexnet.models.of_preset import network_of
from keras_alexnet.presets import AnyPreset
from keras_alexnet.trained.config_file import NetworkConfig, write_config
from keras_alexnet.trained.names import (
    CHECKPOINTS,
    CONFIG_FILE,
    DATASET_STATISTICS_FILE,
    NETWORK_FILE,
)
from tfrecords import Statistics
from tfrecords.addresses import dataset_folder
from tfrecords.dataset.folder_names import check_folder_name
from tfrecords.dataset.names import LABELS_FILE, STATISTICS_FILE
from tfrecords.errors import UserError
from tfrecords.files import disk_error, staged, temporary_path


class HeldRunError(UserError):
    """Another process trains in a run folder."""


def create_run(
    run: Path, config: NetworkConfig, statistics: Statistics | None = None
) -> None:
    """Fill a new folder: configuration, and labels and statistics of the dataset.

    What a process left that was killed while it did is made again.

    Args:
        run: The folder, held for this training.
        config: What the run folder keeps, `control` with it.
        statistics: Of the pictures that the first weights learnt from, whose mean they
            need; None: those of the dataset.

    Raises:
        UserError: The folder holds something already, or it cannot be written.
    """
    check_folder_name(run)
    data = dataset_folder((config.control or {})["data"])
    try:
        if any(run.iterdir()) and not _is_half_made(run):
            raise UserError(
                f"Expected a new or empty run folder, found files in {run}. "
                "Go on with --resume, or choose another folder."
            )
        (run / CHECKPOINTS).mkdir(exist_ok=True)
        for name, copy in (
            (LABELS_FILE, LABELS_FILE),
            (
                STATISTICS_FILE,
                DATASET_STATISTICS_FILE if statistics else STATISTICS_FILE,
            ),
        ):
            with staged(run / copy) as temporary:
                temporary.write_bytes((data / name).read_bytes())
        if statistics is not None:
            statistics.save(run / STATISTICS_FILE)
        write_config(run, config)
    except OSError as error:
        raise disk_error(error, run / CONFIG_FILE) from None


def _is_half_made(run: Path) -> bool:
    """Whether a process was killed here while it made the folder."""
    checkpoints = run / CHECKPOINTS
    names = (LABELS_FILE, STATISTICS_FILE, DATASET_STATISTICS_FILE)
    made = {run / name for name in names}
    made |= {temporary_path(path) for path in (*made, run / CONFIG_FILE)}
    empty = checkpoints.is_dir() and not any(checkpoints.iterdir())
    return empty and {*run.iterdir()} <= made | {checkpoints}


@contextlib.contextmanager
def hold_run(run: Path, *, make: bool) -> Iterator[None]:
    """Hold a run folder for one training, until the block or the process ends.

    Args:
        run: The folder.
        make: Whether to make it where there is none.

    Raises:
        HeldRunError: Another process trains in it.
        UserError: There is none, or it cannot be made.
    """
    try:
        if make:
            run.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(run, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if make:
            raise disk_error(error, run / CONFIG_FILE) from None
        raise UserError(f"Expected a run folder, found none at {run}.") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.EWOULDBLOCK, errno.EACCES):
                raise HeldRunError(
                    f"Another process is training in {run}. Wait until it has ended, "
                    "or choose another folder."
                ) from None
            # A file system without locks on folders: nothing is known of others.
        yield
    finally:
        os.close(descriptor)


def save_best(
    run: Path, preset: AnyPreset, num_classes: int, arrays: Mapping[str, np.ndarray]
) -> None:
    """Write the network of the best epoch: undivided, float32, for any device.

    Args:
        run: The run folder.
        preset: Its network.
        num_classes: Number of logits.
        arrays: What `model_state.capture` gave.

    Raises:
        UserError: The network gives no numbers any more; an earlier one stays.
        OSError: The disk is full or the folder not writable; nothing is left.
    """
    with tf.device("CPU:0"):
        portable = network_of(preset, num_classes, seed=preset.recipe.seed)
        for layer in portable.layers:
            for variable in layer.weights:
                variable.assign(arrays[f"model/{layer.name}/{variable.name}"])
        wrong = find_not_finite(portable)
    if wrong:
        raise UserError(
            f"The training has diverged: {wrong} is no longer finite, and has not been "
            "saved. Lower --learning-rate in a new run."
        )
    path = run / NETWORK_FILE
    # Keras insists on the suffix.
    temporary = temporary_path(path).with_suffix(".keras")
    try:
        portable.save(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
