"""What goes where: a pure function of the source, the options and the seed."""

import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from tfrecords.dataset.names import shard_name
from tfrecords.errors import DatasetError
from tfrecords.images.options import ORIGINAL, RAW, ImageOptions
from tfrecords.ranges import check_count
from tfrecords.sources import Sample, Source

SPLITS = ("train", "validation", "test")
SHARD_SIZE_MB = 128  # readers like 100 to 200
_BYTES_PER_PIXEL = 0.6  # an estimate; Imagenette, scaled up and so smooth, has 0.40
_READERS = 16  # even a small split is cut, so that several readers have work
_WORTH_A_SHARD = 64  # pictures
_LINES_AT_ONCE = 10_000  # of the listing: to hash line by line takes twice as long


@dataclass(frozen=True)
class PlannedShard:
    """One shard to write: its file name, its split, its pictures in order."""

    file: str
    split: str
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Plan:
    """Everything that fixes the bytes of a dataset.

    Attributes:
        name: dataset name.
        options: all that the stored bytes depend on, besides the source's bytes, and
            what was selected of the source.
        fingerprint: SHA-256 of the options and of the source's listing.
        shards: by split, in order.
    """

    name: str
    options: dict[str, Any]
    fingerprint: str
    shards: tuple[PlannedShard, ...]

    @property
    def splits(self) -> tuple[str, ...]:
        """Names of the splits, in order."""
        return tuple(dict.fromkeys(shard.split for shard in self.shards))

    @property
    def total(self) -> int:
        """Number of pictures, good and bad."""
        return sum(len(shard.samples) for shard in self.shards)


def make_plan(
    source: Source,
    *,
    name: str,
    seed: int,
    images: ImageOptions,
    shards: int | None = None,
    shard_size_mb: int = SHARD_SIZE_MB,
    validation_fraction: float | None = None,
    test_fraction: float | None = None,
    selection: Mapping[str, Any] = MappingProxyType({}),
) -> Plan:
    """Assign every picture of a source to a place in a shard.

    Args:
        source: what to build from.
        name: what shard names start with.
        seed: of the shuffle and of the splits.
        images: size, quality, filter.
        shards: per split; None lets `shard_size_mb` decide.
        shard_size_mb: intended size of a shard, in 10^6 bytes.
        validation_fraction: share of each class's training pictures that goes to
            validation; None means the source's default.
        test_fraction: the same for test.
        selection: what was taken of the source; noted in the options. It is no part
            of the fingerprint, because the listing shows what it did.

    Raises:
        DatasetError: an option is out of range, or the split is there already.
    """
    check_count("seed", seed, 0, 2**63 - 1)
    fractions = _fractions(source, validation_fraction, test_fraction)
    by_split = _shuffled(source, _assign_splits(source, seed, fractions), seed)
    counts = {
        split: _shard_count(samples, images, shards, shard_size_mb)
        for split, samples in by_split.items()
    }
    options = {
        "source_kind": source.kind,
        "seed": seed,
        **images.to_record(),
        "shards": counts,
        "validation_fraction": fractions["validation"],
        "test_fraction": fractions["test"],
    }
    planned = [
        PlannedShard(shard_name(name, split, i, counts[split]), split, part)
        for split, samples in by_split.items()
        for i, part in enumerate(_cut(samples, counts[split]))
    ]
    fingerprint = _fingerprint(source, name, options)
    return Plan(name, {**options, **selection}, fingerprint, tuple(planned))


def _fractions(source, validation, test) -> dict[str, float]:
    given = {"validation": validation, "test": test}
    default = {
        "validation": source.validation_fraction,
        "test": source.test_fraction,
    }
    present = {sample.split for sample in source.samples}
    for split, fraction in given.items():
        if fraction and split in present:
            raise DatasetError(
                f"{source.location} has a {split} folder already. "
                f"Leave out --{split}-fraction."
            )
        if fraction and not present & {None, "train"}:
            raise DatasetError(
                f"Expected training pictures in {source.location} to take a "
                f"{split} split from, found none. Leave out --{split}-fraction."
            )
    merged = {s: default[s] if given[s] is None else given[s] for s in given}
    if not (min(merged.values()) >= 0 and sum(merged.values()) < 1):  # NaN is not
        raise DatasetError(
            "Expected fractions of at least 0 that leave some for training; got "
            f"validation {merged['validation']}, test {merged['test']}."
        )
    return merged


def _assign_splits(source, seed, fractions) -> np.ndarray:
    # For each sample the place of its split in SPLITS. Arrays of places instead of
    # changed samples: of a million pictures no second copy is made.
    samples = source.samples
    codes: dict[str | None, int] = {split: i for i, split in enumerate(SPLITS)}
    codes[None] = 0  # a part of training is moved from there
    splits = np.fromiter((codes[s.split] for s in samples), np.int8, len(samples))
    if any(fractions.values()):
        labels = np.fromiter((s.label for s in samples), np.int64, len(samples))
        free = np.flatnonzero(splits == 0)
        free = free[np.argsort(labels[free], kind="stable")]
        ends = np.flatnonzero(np.diff(labels[free])) + 1
        for places in np.split(free, ends) if len(free) else ():
            order = _permutation(len(places), seed, 1 + int(labels[places[0]]))
            _split_class(splits, places[order], fractions)
    return splits


def _split_class(splits: np.ndarray, rest: np.ndarray, fractions) -> None:
    # Stratified: each class gives its share, and at least one if it has that many.
    count = len(rest)
    for split in ("validation", "test"):
        wanted = fractions[split] * count
        take = min(max(1, int(wanted + 0.5)), len(rest) - 1) if wanted else 0
        splits[rest[:take]] = SPLITS.index(split)
        rest = rest[take:]


def _shuffled(source, splits: np.ndarray, seed: int) -> dict[str, list[Sample]]:
    keys = [sample.key for sample in source.samples]
    ordered = np.array(sorted(range(len(keys)), key=keys.__getitem__), np.int64)
    shuffled = ordered[_permutation(len(ordered), seed, 0)]
    codes = splits[shuffled]
    by_split = {s: shuffled[codes == code] for code, s in enumerate(SPLITS)}
    return {
        split: [source.samples[place] for place in places]
        for split, places in by_split.items()
        if len(places)
    }


def _permutation(count: int, seed: int, stream: int) -> np.ndarray:
    # NumPy promises that the raw stream of PCG64 stays the same in every release;
    # it does not promise so of Generator.permutation.
    raw = np.random.PCG64(np.random.SeedSequence([seed, stream])).random_raw(count)
    return np.argsort(raw, kind="stable")


def picture_bytes(samples: Sequence[Sample], images: ImageOptions) -> float:
    """Estimate the average length of stored pictures; for `raw` it is exact."""
    if images.encoding == RAW:
        return 3 * images.size**2
    if images.encoding == ORIGINAL:
        return sum(sample.size for sample in samples) / max(1, len(samples))
    return images.size**2 * _BYTES_PER_PIXEL


def _shard_count(samples, images, shards, shard_size_mb) -> int:
    pictures = len(samples)
    if shards is not None:
        if not shards >= 1:
            raise DatasetError(f"Expected at least 1 shard; got {shards}.")
        return min(shards, pictures)
    if not 0 < shard_size_mb < math.inf:
        raise DatasetError(f"Expected a positive shard size; got {shard_size_mb} MB.")
    expected = pictures * picture_bytes(samples, images)
    by_size = -(-expected // (shard_size_mb * 1e6))
    return int(max(1, by_size, min(_READERS, pictures // _WORTH_A_SHARD)))


def _cut(samples: list[Sample], count: int) -> list[tuple[Sample, ...]]:
    ends = [len(samples) * i // count for i in range(count + 1)]
    return [tuple(samples[a:b]) for a, b in itertools.pairwise(ends)]


def _fingerprint(source: Source, name: str, options: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    head = {"name": name, "labels": source.labels, **options}
    if any(source.words):  # they are stored
        head["words"] = source.words
    digest.update(json.dumps(head, sort_keys=True).encode())
    for start in range(0, len(source.samples), _LINES_AT_ONCE):
        some = source.samples[start : start + _LINES_AT_ONCE]
        lines = [f"{s.key}\0{s.label}\0{s.split}\0{s.size}\n" for s in some]
        digest.update("".join(lines).encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
