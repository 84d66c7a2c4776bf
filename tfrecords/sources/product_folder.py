"""Folders that this package makes: datasets, runs and exports hold no classes."""

import os
from itertools import islice
from pathlib import Path

from tfrecords.dataset.names import (
    BUILDING_FOLDER,
    LABELS_FILE,
    MANIFEST_FILE,
    PLAN_FILE,
    STATISTICS_FILE,
)

# Of keras_alexnet, which cannot be asked; `best.keras` is of its first releases.
_NETWORK_FILES = ("checkpoints", "network.keras", "best.keras", STATISTICS_FILE)
_MOST_VERSIONS = 50  # a class folder has more files, which need not be looked at


def product_of(path: Path) -> str | None:
    """Say what of ours a folder is; None: none of ours, or it cannot be read."""
    try:
        return _product_of(path)
    except OSError:
        return None  # who lists it will say why


def _product_of(path: Path) -> str | None:
    if (path / MANIFEST_FILE).is_file() and (path / LABELS_FILE).is_file():
        return "a dataset folder"
    if (path / BUILDING_FOLDER / PLAN_FILE).is_file():
        return "an unfinished dataset folder"
    if (path / "config.json").is_file() and any(
        (path / name).exists() for name in _NETWORK_FILES
    ):
        return "a run folder"
    if (path / "saved_model.pb").is_file() or _has_version(path):
        return "an exported model"
    return None


def _has_version(path: Path) -> bool:
    # TensorFlow Serving wants MODEL/1/saved_model.pb.
    with os.scandir(path) as entries:
        return any(
            entry.name.isdecimal() and os.path.isfile(f"{entry.path}/saved_model.pb")
            for entry in islice(entries, _MOST_VERSIONS)
        )
