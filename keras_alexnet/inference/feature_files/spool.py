"""Rows that are finished, kept on the disk until all are, whatever ends the process."""

import fcntl
import json
import math
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.inference.feature_files.table import FeatureTable, raw_path
from tfrecords.errors import UserError
from tfrecords.files import sync, write_atomically

_IDENTITY, _JOURNAL, _LOCK = "identity.json", "batches.jsonl", "lock"


class Spool:
    """A hidden folder beside the file that is to be written.

    A batch counts once its line is in the journal; what a killed process left of a
    later one is cut off.

    Args:
        folder: For nothing else; it is made.
        identity: All that the rows depend on. What another command has left in the
            folder is removed.
        shapes: Name of a layer -> shape of one picture's features.
        dtype: float32 or float16.

    Attributes:
        done: Pictures that are done, those without a row too.

    Raises:
        UserError: Another process writes there.
    """

    def __init__(
        self,
        folder: Path,
        identity: Mapping[str, Any],
        shapes: Mapping[str, tuple[int, ...]],
        dtype: str,
    ) -> None:
        self.folder, self.shapes, self.dtype = folder, dict(shapes), dtype
        self.done = 0
        self._paths: list[str] = []
        self._labels: list[int] = []
        self._left_out: list[tuple[str, str]] = []
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = open(folder / _LOCK, "w")  # noqa: SIM115
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            raise UserError(
                f"Expected to be alone in {folder}, found another process that writes "
                "the same file. Wait for it, or give another --out."
            ) from None
        self._go_on(json.dumps(identity, indent=1))

    def __enter__(self) -> "Spool":
        return self

    def __exit__(self, *_: object) -> None:
        self._lock.close()

    def add(
        self,
        arrays: Mapping[str, np.ndarray],
        paths: Sequence[str],
        labels: Sequence[int],
        left_out: Sequence[tuple[str, str]],
    ) -> None:
        """Keep a batch.

        Args:
            arrays: Name of a layer -> its rows.
            paths: A path a row.
            labels: A label a row, or none at all.
            left_out: Path of each picture without a row, and why.

        Raises:
            OSError: The disk is full; what was kept before is.
        """
        for name in self.shapes:
            path = raw_path(self.folder, name)
            with open(path, "ab") as file:
                file.write(np.ascontiguousarray(arrays[name], self.dtype).data)
            sync(path)
        batch = {"paths": list(paths), "labels": list(labels), "left_out": left_out}
        with open(self.folder / _JOURNAL, "a") as file:
            file.write(json.dumps(batch) + "\n")
        sync(self.folder / _JOURNAL)
        self._count(batch)

    def table(self, facts: dict[str, Any]) -> FeatureTable:
        """Return what there is, for a writer."""
        labels = self._labels if len(self._labels) == len(self._paths) else None
        return FeatureTable(
            facts,
            self.shapes,
            self.dtype,
            self.folder,
            self._paths,
            labels if self._labels else None,
            self._left_out,
        )

    def remove(self) -> None:
        """Remove the folder: its file is written."""
        shutil.rmtree(self.folder)

    def _count(self, batch: Mapping[str, Any]) -> None:
        self._paths += batch["paths"]
        self._labels += batch["labels"]
        self._left_out += [(path, why) for path, why in batch["left_out"]]
        self.done += len(batch["paths"]) + len(batch["left_out"])

    def _go_on(self, identity: str) -> None:
        """Take up what an earlier process of the same command has done."""
        known = self.folder / _IDENTITY
        if not known.exists() or known.read_text() != identity:
            for path in self.folder.iterdir():
                if path.name != _LOCK:
                    path.unlink()
            write_atomically(known, identity.encode())
        journal = self.folder / _JOURNAL
        lines = journal.read_bytes().splitlines(True) if journal.exists() else []
        lines = [line for line in lines if line.endswith(b"\n")]
        for line in lines:
            self._count(json.loads(line))
        journal.touch()
        os.truncate(journal, sum(map(len, lines)))
        item = np.dtype(self.dtype).itemsize
        for name, shape in self.shapes.items():
            path = raw_path(self.folder, name)
            path.touch()
            os.truncate(path, len(self._paths) * math.prod(shape) * item)
