"""From pictures to a file of features, in bounded memory and over interruptions."""

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from keras_alexnet.inference.feature_files import FEATURE_FILES, check_feature_file
from keras_alexnet.inference.feature_files.spool import Spool
from keras_alexnet.inference.feature_files.table import FeatureTable
from keras_alexnet.inference.features import BATCH_SIZE, FeatureExtractor
from keras_alexnet.inference.named_pictures import NamedPicture, PictureList
from keras_alexnet.inference.picture_bytes import answer_pictures
from keras_alexnet.version import VERSION
from tfrecords.errors import UserError
from tfrecords.files import disk_error, staged, write_atomically
from tfrecords.progress import Progress


@dataclass(frozen=True)
class Extraction:
    """What is to be taken of which pictures, and how it is stored.

    Attributes:
        extractor: Of the network.
        layers: Our names, in the order of the extractor's.
        pictures: Which.
        order: HWC or CHW, of the maps of convolutions and pools.
        dtype: float32 or float16.
        facts: Of the network, for the file: its card.
    """

    extractor: FeatureExtractor
    layers: Sequence[str]
    pictures: PictureList
    order: str
    dtype: str
    facts: dict[str, Any]

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Name of a layer -> shape of one picture's features, in the order asked."""
        shapes = zip(self.layers, self.extractor.shapes, strict=True)
        return {name: self._ordered(shape) for name, shape in shapes}

    def write(self, out: Path, progress: bool = True) -> FeatureTable:
        """Write the file, and `OUT.json` beside it, each whole or not at all.

        What a process that was ended has done stays beside it in a hidden folder, and
        the same call goes on from there, to the same bytes.

        Args:
            out: File to be written; its ending says what it is.
            progress: Whether to say how far it is.

        Returns:
            What was written; its rows are gone from the disk.

        Raises:
            UserError: The file cannot hold it, no picture can be read, the disk is
                full, or a feature is too large for float16.
        """
        item = np.dtype(self.dtype).itemsize * self.pictures.count
        sizes = {n: item * int(np.prod(shape)) for n, shape in self.shapes.items()}
        check_feature_file(out, sizes, self.dtype)
        folder = out.with_name(f".{out.name}.partial")
        try:
            with Spool(folder, self._identity(), self.shapes, self.dtype) as spool:
                self._fill(spool, progress)
                table = spool.table(self._facts())
                _write(table, out)
                spool.remove()
        except OSError as error:
            raise disk_error(error, out) from None
        return table

    def _fill(self, spool: Spool, progress: bool) -> None:
        with Progress("features", self.pictures.count, progress) as shown:
            shown.resume(spool.done)
            remaining = self.pictures.pictures(spool.done)
            while batch := list(itertools.islice(remaining, BATCH_SIZE)):
                self._add(spool, batch)
                shown.update(spool.done)

    def _add(self, spool: Spool, batch: Sequence[NamedPicture]) -> None:
        answers = answer_pictures([each.picture for each in batch], self.extractor)
        rows, done, left_out = [], [], []
        for each, answer in zip(batch, answers, strict=True):
            if isinstance(answer, str):
                left_out.append((each.name, answer))
            else:
                rows.append(answer)
                done.append(each)
        labels = [each.label for each in done if each.label is not None]
        arrays = {
            name: self._stored(name, [row[place] for row in rows])
            for place, name in enumerate(self.layers)
        }
        spool.add(arrays, [each.name for each in done], labels, left_out)

    def _stored(self, name: str, rows: Sequence[np.ndarray]) -> np.ndarray:
        """Return rows of a layer in the order and type in which they are stored."""
        array = np.zeros((len(rows), *self.shapes[name]), self.dtype)
        with np.errstate(over="ignore"):  # it is looked for
            for place, row in enumerate(rows):
                turned = self.order == "CHW" and row.ndim == 3
                array[place] = row.transpose(2, 0, 1) if turned else row
        if not np.isfinite(array).all():
            raise UserError(
                f"Expected features of {name} that {self.dtype} holds, found larger "
                "ones. Take --dtype float32, or another layer."
            )
        return array

    def _ordered(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        turns = self.order == "CHW" and len(shape) == 3
        return (shape[2], *shape[:2]) if turns else shape

    def _facts(self) -> dict[str, Any]:
        return {
            "version": VERSION,
            "tensorflow": tf.__version__,
            "network": self.facts,
            "layers": {name: list(shape) for name, shape in self.shapes.items()},
            "order": self.order,
            "dtype": self.dtype,
        }

    def _identity(self) -> dict[str, Any]:
        pictures = {"digest": self.pictures.digest, "batch": BATCH_SIZE}
        return {**self._facts(), "pictures": pictures}


def _write(table: FeatureTable, out: Path) -> None:
    if not table.paths:
        reasons = "; ".join(f"{path}: {why}" for path, why in table.left_out[:3])
        raise UserError(f"Expected pictures that can be read, found none: {reasons}.")
    beside = {**table.facts, "files": table.paths, "labels": table.labels}
    beside["left_out"] = [{"file": file, "error": e} for file, e in table.left_out]
    document = json.dumps(beside, indent=1, allow_nan=False) + "\n"
    write_atomically(out.with_name(f"{out.name}.json"), document.encode())
    with staged(out) as temporary:
        FEATURE_FILES[out.suffix](table, temporary)
