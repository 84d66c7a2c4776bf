"""The whole state of a training run in one file, written beside and renamed."""

import functools
import hashlib
import io
import json
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tfrecords.errors import UserError
from tfrecords.files import staged
from tfrecords.plain_text import say

STATE_KEY = "state.json"
CHECKSUM_KEY = "sha256"
_NAME = re.compile(r"epoch-(\d{4,})(?:-step-(\d{6,}))?\.npz")
# A name that only checkpoints of version 0.1 have.
_OLD_KEY = re.compile(r"optimizer/\d{3}/.*")
# What reading a damaged zip file can raise; an entry may claim to be encrypted.
_DAMAGE = (OSError, ValueError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True)
class Checkpoint:
    """What a file holds.

    Attributes:
        epoch: Number of finished epochs.
        step: Number of steps that were taken in the epoch after them.
        arrays: Weights, optimizer, counters, and within an epoch the metric sums.
        state: The rest, as JSON knows it.
    """

    epoch: int
    step: int
    arrays: Mapping[str, np.ndarray]
    state: dict[str, Any]

    @property
    def name(self) -> str:
        """The name of its file."""
        step = f"-step-{self.step:06d}" if self.step else ""
        return f"epoch-{self.epoch:04d}{step}.npz"


def save_checkpoint(folder: Path, checkpoint: Checkpoint, keep: int) -> Path:
    """Write a checkpoint and delete all but the newest `keep`.

    Damaged files do not count, and go. So do those of later places: a run goes on from
    its newest whole checkpoint, so that they were damaged or are of another course. The
    file is a `.npz` of the arrays, the state, and the SHA-256 of both.

    Args:
        folder: The run's `checkpoints`.
        checkpoint: What to write.
        keep: Number of checkpoints to keep.

    Raises:
        OSError: The disk is full or the folder not writable; nothing is left.
    """
    path = folder / checkpoint.name
    state = json.dumps(checkpoint.state).encode()
    arrays = {**checkpoint.arrays, STATE_KEY: np.frombuffer(state, np.uint8)}
    digest = bytes.fromhex(_checksum(arrays))
    arrays[CHECKSUM_KEY] = np.frombuffer(digest, np.uint8)
    with staged(path) as temporary, temporary.open("wb") as file:
        _write(file, arrays)
    _prune(path, keep)
    return path


def _prune(newest: Path, keep: int) -> None:
    folder = newest.parent
    earlier = [p for p in list_checkpoints(folder) if _place(p) < _place(newest)]
    kept = {newest}
    for path in reversed(earlier):
        if len(kept) < keep and _is_whole(path, path.stat().st_mtime_ns):
            kept.add(path)
    # What a killed process left unfinished goes too.
    for old in [*list_checkpoints(folder), *folder.glob(".epoch-*.npz.tmp")]:
        if old not in kept:
            old.unlink()


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, oldest first."""
    found = [path for path in folder.glob("epoch-*.npz") if _NAME.fullmatch(path.name)]
    return sorted(found, key=_place)


def newest_checkpoint(
    folder: Path, warn: Callable[[str], None] = say
) -> Checkpoint | None:
    """Read the newest whole checkpoint, or None where there is none at all.

    A damaged one is reported through `warn` and the one before is taken.

    Raises:
        UserError: All are damaged, or the newest is of an older version.
    """
    paths = list_checkpoints(folder)
    for path in reversed(paths):
        try:
            return read_checkpoint(path)
        except UserError:
            raise
        except _DAMAGE as error:
            warn(f"Checkpoint {path} is damaged ({error}); taking the one before it.")
    if paths:
        raise UserError(
            f"Expected a whole checkpoint in {folder}, found {len(paths)} damaged. "
            "Start again without --resume in a new run folder."
        )
    return None


def read_checkpoint(path: Path) -> Checkpoint:
    """Read one checkpoint and compare its checksum.

    Raises:
        UserError: It is of an older version.
        OSError, ValueError, RuntimeError: It is damaged.
    """
    # Not np.load: it compares a checksum only where it happens to reach an entry's end.
    with zipfile.ZipFile(path) as archive:
        entries = _entries(archive)
        arrays = {name: _array(archive, entry) for name, entry in entries.items()}
    if any(_OLD_KEY.fullmatch(name) for name in arrays):
        raise UserError(
            f"Checkpoint {path} is of an older version of this program, expected one "
            "with canonical names and a checksum. Finish the run with the version that "
            "began it, or start again in a new run folder."
        )
    expected = arrays.pop(CHECKSUM_KEY, np.zeros(0, np.uint8)).tobytes().hex()
    if _checksum(arrays) != expected:
        raise ValueError("its content does not have the checksum that was stored")
    state = json.loads(arrays.pop(STATE_KEY).tobytes())
    return Checkpoint(*_place(path), arrays, state)


@functools.lru_cache
def _is_whole(path: Path, changed: int) -> bool:
    """Return whether a checkpoint is whole, read once for each time of its change."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = _entries(archive)
            expected = _array(archive, entries.pop(CHECKSUM_KEY)).tobytes().hex()
            # One array at a time: a checkpoint may have half a gigabyte.
            found = ((name, _array(archive, entries[name])) for name in sorted(entries))
            return _digest(found) == expected
    except (KeyError, *_DAMAGE):
        return False


def _entries(archive: zipfile.ZipFile) -> dict[str, str]:
    return {entry.removesuffix(".npy"): entry for entry in archive.namelist()}


def _array(archive: zipfile.ZipFile, entry: str) -> np.ndarray:
    return np.lib.format.read_array(io.BytesIO(archive.read(entry)))


def _place(path: Path) -> tuple[int, int]:
    match = _NAME.fullmatch(path.name)
    if match is None:
        raise ValueError(f"{path.name} is no name of a checkpoint")
    return int(match[1]), int(match[2] or 0)


def _write(file: BinaryIO, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a `.npz`, each array in one piece: Python's lock is free meanwhile."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as entry:
                header = np.lib.format.header_data_from_array_1_0(array)
                np.lib.format.write_array_header_1_0(entry, header)
                entry.write(_bytes(array))


def _checksum(arrays: Mapping[str, np.ndarray]) -> str:
    return _digest((name, arrays[name]) for name in sorted(arrays))


def _digest(arrays: Iterable[tuple[str, np.ndarray]]) -> str:
    digest = hashlib.sha256()
    for name, array in arrays:
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(_bytes(array))
    return digest.hexdigest()


def _bytes(array: np.ndarray) -> memoryview:
    flat = np.ascontiguousarray(array).reshape(-1)
    return flat.view(np.uint8).data
