"""Which classes have pictures in which split, as planned and as found usable."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tfrecords.building.plan import Plan
from tfrecords.building.shard_result import Rejection
from tfrecords.dataset.names import REJECTED_FILE
from tfrecords.errors import DatasetError
from tfrecords.sources import Source

TRAIN = "train"


class Coverage:
    """Counts of the planned pictures by split and class.

    Args:
        plan: what is built.
        source: what it is built from.
    """

    def __init__(self, plan: Plan, source: Source):
        self._labels = source.labels
        self._planned = {s: np.zeros(len(source.labels), int) for s in plan.splits}
        for shard in plan.shards:
            labels = [sample.label for sample in shard.samples]
            self._planned[shard.split] += np.bincount(
                labels, minlength=len(self._labels)
            )

    def notes(self) -> list[str]:
        """Say what a network cannot learn, or a count of errors cannot tell."""
        notes = []
        if len(self._labels) == 1:
            notes.append(
                f"There is one class, {self._labels[0]!r}: a network has nothing to "
                "tell apart, and its error is 0 whatever it does."
            )
        if TRAIN not in self._planned:
            notes.append(
                f"There is no training split, only {', '.join(self._planned)}: the "
                "dataset serves alexnet evaluate, not train."
            )
        elif not all(self._planned[TRAIN]):
            empty = np.flatnonzero(self._planned[TRAIN] == 0)
            notes.append(
                f"{len(empty):,} of {len(self._labels):,} classes have no training "
                f"picture; the first is {self._labels[empty[0]]!r}."
            )
        return notes

    def check(self, rejections: Iterable[Rejection], out: Path) -> None:
        """Stop where not one training picture of a class can be used.

        Raises:
            DatasetError: so it is; the class is named.
        """
        for split, name, count in self._lost(rejections):
            if split == TRAIN or TRAIN not in self._planned:
                raise DatasetError(
                    f"Expected a usable {split} picture in every class, not one of the "
                    f"{count:,} of {name!r} is; {out / REJECTED_FILE} names them. "
                    "Repair them, or leave the class out with --classes, in a new "
                    "folder."
                )

    def losses(self, rejections: Iterable[Rejection]) -> list[str]:
        """Say which classes have no usable picture in another split."""
        return [
            f"Not one of the {count:,} {split} pictures of class {name!r} can be used, "
            f"so the {split} error says nothing of it."
            for split, name, count in self._lost(rejections)
        ]

    def _lost(self, rejections: Iterable[Rejection]) -> list[tuple[str, str, int]]:
        places = {name: label for label, name in enumerate(self._labels)}
        bad = Counter((r.split, r.class_name) for r in rejections)
        return [
            (split, name, count)
            for (split, name), count in sorted(bad.items())
            if count == self._planned[split][places[name]]
        ]
