"""The whole state of a training run in one file, written beside and renamed."""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

from tfrecords.errors import DatasetError
from tfrecords.files import staged

STATE_KEY = "state.json"
_NAME = re.compile(r"epoch-\d{4,}\.npz")
# What reading a damaged zip file can raise; an entry may claim to be encrypted.
_DAMAGE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def save_checkpoint(
    folder: Path, epoch: int, model: keras.Model, state: dict[str, Any], keep: int
) -> Path:
    """Write `epoch-NNNN.npz` and delete all but the newest `keep`.

    It holds every variable of the model (weights, dropout counters) and the optimizer
    (velocities, iteration, learning rate) and `state` as JSON. The zip container
    carries checksums, so a damaged file is noticed.

    Args:
        folder: The run's `checkpoints`.
        epoch: Number of finished epochs.
        model: A compiled model.
        state: JSON-serialisable rest of the state.
        keep: Number of checkpoints to keep.
    """
    path = folder / f"epoch-{epoch:04d}.npz"
    arrays = {
        name: variable.value.numpy() for name, variable in _variables(model).items()
    }
    arrays[STATE_KEY] = np.frombuffer(json.dumps(state).encode(), np.uint8)
    with staged(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **arrays)
    for old in list_checkpoints(folder)[:-keep]:
        old.unlink()
    return path


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, oldest first."""
    found = [path for path in folder.glob("epoch-*.npz") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.stem.removeprefix("epoch-")))


def restore_newest(
    folder: Path, model: keras.Model, warn: Callable[[str], None] = print
) -> dict[str, Any] | None:
    """Load the newest whole checkpoint into the model and return its state.

    A damaged one is reported through `warn` and the one before is taken.

    Returns:
        The `state` that was saved, or None where there is no checkpoint.

    Raises:
        DatasetError: A checkpoint belongs to another network, or all are damaged.
    """
    paths = list_checkpoints(folder)
    for path in reversed(paths):
        try:
            arrays = _read(path)
        except _DAMAGE as error:
            warn(f"Checkpoint {path} is damaged ({error}); taking the one before it.")
            continue
        _assign(arrays, model, path)
        return json.loads(arrays[STATE_KEY].tobytes())
    if paths:
        raise DatasetError(
            f"Expected a whole checkpoint in {folder}, found {len(paths)} damaged. "
            "Start again without --resume in a new run folder."
        )
    return None


def _read(path: Path) -> dict[str, np.ndarray]:
    # Not np.load: it compares a checksum only where it happens to reach an entry's end.
    with zipfile.ZipFile(path) as archive:
        arrays = {
            entry.removesuffix(".npy"): np.lib.format.read_array(
                io.BytesIO(archive.read(entry))
            )
            for entry in archive.namelist()
        }
    if STATE_KEY not in arrays:
        raise ValueError(f"it has no {STATE_KEY}")
    return arrays


def _assign(arrays: dict[str, np.ndarray], model: keras.Model, path: Path) -> None:
    variables = _variables(model)
    shapes = {n: tuple(a.shape) for n, a in arrays.items() if n != STATE_KEY}
    expected = {name: tuple(v.shape) for name, v in variables.items()}
    for name in sorted({*shapes, *expected}):
        if shapes.get(name) != expected.get(name):
            raise DatasetError(
                f"Checkpoint {path} belongs to another network: expected {name} of "
                f"shape {expected.get(name)}, found {shapes.get(name)}."
            )
    for name, variable in variables.items():
        variable.assign(arrays[name])


def _variables(model: keras.Model) -> dict[str, keras.Variable]:
    """Return every variable of model and optimizer under a name of its own."""
    named = {}
    for layer in model.layers:
        for index, variable in enumerate(layer.variables):
            named[f"model/{layer.name}/{index}/{variable.name}"] = variable
    for index, variable in enumerate(model.optimizer.variables):
        named[f"optimizer/{index:03d}/{variable.name}"] = variable
    return named
