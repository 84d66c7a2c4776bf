"""From finished shards to a finished dataset: what stands beside the shards."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords.building.coverage import Coverage
from tfrecords.building.plan import Plan
from tfrecords.building.shard_result import Rejection, ShardResult
from tfrecords.dataset.labels import synset, write_labels
from tfrecords.dataset.manifest import Contents, Manifest, Shard
from tfrecords.dataset.names import (
    IGNORED_FILE,
    OFFSETS_FILE,
    REJECTED_FILE,
    STATISTICS_FILE,
)
from tfrecords.dataset.offsets import Offsets
from tfrecords.dataset.statistics import Accumulator
from tfrecords.dataset.tfds_metadata import write_tfds_metadata
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.images.store import codec_versions
from tfrecords.sources import Source


class FinishedShards:
    """What came of the shards so far, in any order.

    Args:
        plan: what is built.
        source: what it is built from.
        size: height and width of the pictures that the statistics see.
    """

    def __init__(self, plan: Plan, source: Source, size: int):
        self._plan, self._source = plan, source
        self._shards: dict[str, Shard] = {}  # by file name
        self._contents: dict[str, Contents] = {}  # likewise
        self._lengths: dict[str, np.ndarray] = {}  # likewise, of the records
        self._counts = {s: np.zeros(len(source.labels), np.int64) for s in plan.splits}
        self._accumulator = Accumulator(size)
        self._coverage = Coverage(plan, source)
        self.rejections: list[Rejection] = []

    def add(self, result: ShardResult) -> None:
        """Add what came of one shard."""
        self._shards[result.shard.file] = result.shard
        self._contents[result.shard.file] = result.contents
        self._lengths[result.shard.file] = result.lengths
        self._counts[result.split] += result.class_counts
        self.rejections += result.rejections
        if result.accumulator:
            self._accumulator.merge(result.accumulator)

    def check_rejections(self, out: Path, most: float) -> None:
        """Stop when more than a fraction of all pictures, or a class, is of no use.

        Raises:
            DatasetError: so it is; `rejected.jsonl` names the pictures.
        """
        total = self._plan.total
        if len(self.rejections) <= most * total:
            self._check_classes(out)
            return
        self._write_rejections(out)
        reasons = Counter(rejection.reason for rejection in self.rejections)
        (reason, times), *_ = reasons.most_common(1)
        detail = next(r.detail for r in self.rejections if r.reason == reason)
        raise DatasetError(
            f"Expected at most {most:.2%} of {total:,} pictures to be bad, "
            f"{len(self.rejections):,} are so far ({reason}: {times:,}, such as: "
            f"{' '.join(detail.split())}); "
            f"{out / REJECTED_FILE} names them. Repair or remove them, or "
            "raise --max-rejected; finished shards are kept."
        )

    def _check_classes(self, out: Path) -> None:
        try:
            self._coverage.check(self.rejections, out)
        except DatasetError:
            self._write_rejections(out)
            raise

    def notes(self) -> list[str]:
        """Say which classes have no usable picture in a split other than train."""
        return self._coverage.losses(self.rejections)

    def commit(self, out: Path) -> Manifest:
        """Write everything but the shards; the manifest last.

        Raises:
            DatasetError: a training split was planned, and none of it can be used.
            OSError: the disk is full or not writable.
        """
        if "train" in self._plan.splits and not self._accumulator.count:
            location = self._source.location
            raise DatasetError(f"Expected training pictures in {location}: none.")
        manifest = self._manifest()
        write_labels(out, self._source.labels)
        self._write_rejections(out)
        ignored = sorted(self._source.ignored)
        _write_lines(
            out / IGNORED_FILE, ({"file": x.file, "reason": x.reason} for x in ignored)
        )
        if self._accumulator.count:
            self._accumulator.statistics().save(out / STATISTICS_FILE)
        digest = Offsets.of_lengths(manifest, self._lengths).save(out)
        manifest = replace(manifest, sha256={OFFSETS_FILE: digest})
        write_tfds_metadata(out, manifest)
        manifest.save(out)  # last: its presence says that the rest is there
        return manifest

    def _write_rejections(self, out: Path) -> None:
        rejections = sorted(self.rejections, key=lambda rejection: rejection.file)
        _write_lines(out / REJECTED_FILE, (r.to_json() for r in rejections))

    def _manifest(self) -> Manifest:
        plan, source = self._plan, self._source
        return Manifest(
            name=plan.name,
            source=source.location,
            options=plan.options,
            fingerprint=plan.fingerprint,
            labels=source.labels,
            synsets=tuple(synset(name) for name in source.labels),
            label_offset=0,
            splits={
                split: tuple(
                    self._shards[s.file] for s in plan.shards if s.split == split
                )
                for split in plan.splits
            },
            class_counts={s: tuple(c.tolist()) for s, c in self._counts.items()},
            rejected=len(self.rejections),
            ignored=len(source.ignored),
            image_size=plan.options["size"],
            written_with=codec_versions(),
            words=source.words,
            label_order=source.label_order,
            contents={s.file: self._contents[s.file] for s in plan.shards},
        )


def _write_lines(path: Path, objects: Iterable[dict[str, Any]]) -> None:
    lines = [json.dumps(fields) + "\n" for fields in objects]
    write_atomically(path, "".join(lines).encode())
