"""What frozen layers make of the pictures of a split: computed once, then mapped."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from tfrecords.files import disk_error, staged, write_atomically
from tfrecords.progress import Progress


@dataclass(frozen=True, eq=False)
class FeatureCache:
    """A row for each picture, in the order of the split.

    Attributes:
        rows: `(pictures, ...)`, of the type that the next layer takes.
        labels: int64 `(pictures,)`.
    """

    rows: np.ndarray
    labels: np.ndarray

    def read(self, places: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the features and labels of pictures, in a graph.

        Args:
            places: int64 `(batch,)`, of the pictures in their split.
        """
        kinds = (tf.as_dtype(self.rows.dtype), tf.int64)
        features, labels = tf.numpy_function(
            lambda which: (self.rows[which], self.labels[which]), [places], kinds
        )
        features.set_shape((*places.shape, *self.rows.shape[1:]))
        labels.set_shape(places.shape)
        return features, labels


def map_features(
    path: Path,
    identity: Mapping[str, Any],
    like: np.ndarray,
    batches: Iterable[tuple[np.ndarray, np.ndarray]],
) -> FeatureCache:
    """Map a file of features; write it first unless it is there, and the same.

    Args:
        path: The file, row after row without a header; `PATH.json` beside it holds the
            identity and the labels.
        identity: All that the features depend on, for JSON.
        like: Any array of the type and shape `(pictures, ...)` of all rows.
        batches: Features and labels in the order of the split, only read if need be.

    Raises:
        UserError: The disk is full, or the folder cannot be written.
    """
    beside = path.with_name(f"{path.name}.json")
    labels = _labels(path, beside, identity, like.nbytes)
    try:
        if labels is None:
            path.parent.mkdir(exist_ok=True)
            beside.unlink(missing_ok=True)  # it must not tell of another file
            labels = _write(path, batches, like)
            document = {"identity": identity, "labels": labels.tolist()}
            write_atomically(beside, json.dumps(document).encode())
        return FeatureCache(np.memmap(path, like.dtype, "r", 0, like.shape), labels)
    except OSError as error:
        raise disk_error(error, path, "go on with --resume") from None


def _labels(
    path: Path, beside: Path, identity: Mapping[str, Any], size: int
) -> np.ndarray | None:
    """Return the labels beside a whole file of just these features, or None."""
    try:
        document = json.loads(beside.read_text())
        if document["identity"] == identity and path.stat().st_size == size:
            return np.array(document["labels"], np.int64)
    except (OSError, ValueError, KeyError, TypeError):
        pass  # whatever it is, it is written again
    return None


def _write(
    path: Path, batches: Iterable[tuple[np.ndarray, np.ndarray]], like: np.ndarray
) -> np.ndarray:
    labels: list[np.ndarray] = []
    done = 0
    with (
        staged(path) as temporary,
        temporary.open("wb") as file,
        Progress("features", len(like)) as progress,
    ):
        for rows, own in batches:
            file.write(np.ascontiguousarray(rows, like.dtype).view(np.uint8).data)
            labels.append(own)
            done += len(own)
            progress.update(done)
    return np.concatenate(labels)
