"""What goes where: a pure function of the source, the options and the seed."""

import hashlib
import itertools
import json
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tfrecords.errors import DatasetError
from tfrecords.images import ImageOptions
from tfrecords.schema import shard_name
from tfrecords.sources import Sample, Source

SPLITS = ("train", "validation", "test")
SHARD_SIZE_MB = 128  # readers like 100 to 200
_BYTES_PER_PIXEL = 0.6  # an estimate; Imagenette, scaled up and so smooth, has 0.40
_READERS = 16  # even a small split is cut, so that several readers have work
_WORTH_A_SHARD = 64  # pictures


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
        options: all that the stored bytes depend on, besides the source's bytes.
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

    Raises:
        DatasetError: an option is out of range, or the split is there already.
    """
    if seed < 0:
        raise DatasetError(f"Expected a seed of at least 0; got {seed}.")
    fractions = _fractions(source, validation_fraction, test_fraction)
    by_split = _shuffled(_assign_splits(source, seed, fractions), seed)
    counts = {
        split: _shard_count(len(samples), images, shards, shard_size_mb)
        for split, samples in by_split.items()
    }
    options = {
        "source_kind": source.kind,
        "seed": seed,
        **vars(images),
        "encoding": "jpeg",
        "shards": counts,
        "validation_fraction": fractions["validation"],
        "test_fraction": fractions["test"],
    }
    planned = [
        PlannedShard(shard_name(name, split, i, counts[split]), split, part)
        for split, samples in by_split.items()
        for i, part in enumerate(_cut(samples, counts[split]))
    ]
    return Plan(name, options, _fingerprint(source, name, options), tuple(planned))


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
    merged = {s: default[s] if given[s] is None else given[s] for s in given}
    if min(merged.values()) < 0 or sum(merged.values()) >= 1:
        raise DatasetError(
            "Expected fractions of at least 0 that leave some for training; got "
            f"validation {merged['validation']}, test {merged['test']}."
        )
    return merged


def _assign_splits(source, seed, fractions) -> list[Sample]:
    if not any(fractions.values()):
        return [replace(s, split=s.split or "train") for s in source.samples]
    by_label: dict[int, list[Sample]] = {}
    assigned = []
    for sample in source.samples:
        if sample.split in (None, "train"):
            by_label.setdefault(sample.label, []).append(sample)
        else:
            assigned.append(sample)
    for label, samples in sorted(by_label.items()):
        order = _permutation(len(samples), seed, 1 + label)
        assigned += _split_class([samples[i] for i in order], fractions)
    return assigned


def _split_class(samples: list[Sample], fractions) -> list[Sample]:
    # Stratified: each class gives its share, and at least one if it has that many.
    assigned, rest = [], samples
    for split in ("validation", "test"):
        wanted = fractions[split] * len(samples)
        take = min(max(1, int(wanted + 0.5)), len(rest) - 1) if wanted else 0
        assigned += [replace(sample, split=split) for sample in rest[:take]]
        rest = rest[take:]
    return assigned + [replace(sample, split="train") for sample in rest]


def _shuffled(samples: list[Sample], seed: int) -> dict[str, list[Sample]]:
    ordered = sorted(samples, key=lambda sample: sample.key)
    shuffled = [ordered[i] for i in _permutation(len(ordered), seed, 0)]
    by_split = {s: [x for x in shuffled if x.split == s] for s in SPLITS}
    return {split: found for split, found in by_split.items() if found}


def _permutation(count: int, seed: int, stream: int) -> np.ndarray:
    # NumPy promises that the raw stream of PCG64 stays the same in every release;
    # it does not promise so of Generator.permutation.
    raw = np.random.PCG64(np.random.SeedSequence([seed, stream])).random_raw(count)
    return np.argsort(raw, kind="stable")


def _shard_count(pictures, images, shards, shard_size_mb) -> int:
    if shards is not None:
        if shards < 1:
            raise DatasetError(f"Expected at least 1 shard; got {shards}.")
        return min(shards, pictures)
    if shard_size_mb <= 0:
        raise DatasetError(f"Expected a positive shard size; got {shard_size_mb} MB.")
    picture_bytes = images.size**2 * _BYTES_PER_PIXEL
    by_size = -(-pictures * picture_bytes // (shard_size_mb * 1e6))
    return int(max(1, by_size, min(_READERS, pictures // _WORTH_A_SHARD)))


def _cut(samples: list[Sample], count: int) -> list[tuple[Sample, ...]]:
    ends = [len(samples) * i // count for i in range(count + 1)]
    return [tuple(samples[a:b]) for a, b in itertools.pairwise(ends)]


def _fingerprint(source: Source, name: str, options: dict[str, Any]) -> str:
    digest = hashlib.sha256()
    head = {"name": name, "labels": source.labels, **options}
    digest.update(json.dumps(head, sort_keys=True).encode())
    for sample in source.samples:
        line = f"{sample.key}\0{sample.label}\0{sample.split}\0{sample.size}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()
