"""Byte-equal pictures within a split, and across splits, by content hash.

A picture costs 20 bytes of memory: 15 million of them 300 MB, and as much again while
they are sorted. File names are read again, for the few examples that are shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfrecords.dataset.example import decode_example
from tfrecords.verification.shard_check import Finding, serialised_records

_EXAMPLES = 3  # of each kind that are named


@dataclass(frozen=True, order=True)
class Place:
    """One record: the place of its shard among the findings, and its own in there."""

    shard: int
    record: int


@dataclass
class Duplicates:
    """Equal pictures of a dataset.

    Attributes:
        within: by split, the pictures that repeat an earlier one of their split.
        across: by split, the pictures that are in another split too.
        leaks: different pictures that are in more than one split.
        repeated_examples: two places of the same picture in one split, a few times.
        leaked_examples: the same in two splits.
    """

    within: dict[str, int]
    across: dict[str, int]
    leaks: int = 0
    repeated_examples: list[tuple[Place, Place]] = field(default_factory=list)
    leaked_examples: list[tuple[Place, Place]] = field(default_factory=list)


def find_duplicates(findings: Sequence[Finding], splits: Sequence[str]) -> Duplicates:
    """Compare the digests of all shards."""
    result = Duplicates(dict.fromkeys(splits, 0), dict.fromkeys(splits, 0))
    for places in sorted(_twins(findings)):
        by_split: dict[str, list[Place]] = {}
        for place in places:
            by_split.setdefault(findings[place.shard].split, []).append(place)
        _count(by_split, result)
    return result


def _count(by_split: Mapping[str, list[Place]], result: Duplicates) -> None:
    for split, places in by_split.items():
        result.within[split] += len(places) - 1
        if len(by_split) > 1:
            result.across[split] += len(places)
        if len(places) > 1 and len(result.repeated_examples) < _EXAMPLES:
            result.repeated_examples.append((places[0], places[1]))
    if len(by_split) > 1:
        result.leaks += 1
        if len(result.leaked_examples) < _EXAMPLES:
            first, second = list(by_split.values())[:2]
            result.leaked_examples.append((first[0], second[0]))


def _twins(findings: Sequence[Finding]) -> list[list[Place]]:
    # Half a digest finds the candidates, of which there are few.
    halves = np.sort(np.concatenate([f.digests[:, 0] for f in findings] or [_NONE]))
    repeated = np.unique(halves[1:][halves[1:] == halves[:-1]])
    places: dict[bytes, list[Place]] = {}
    for shard, finding in enumerate(findings):
        for at in np.flatnonzero(np.isin(finding.digests[:, 0], repeated)):
            digest = finding.digests[at].tobytes()
            place = Place(shard, int(finding.records[at]))
            places.setdefault(digest, []).append(place)
    return [found for found in places.values() if len(found) > 1]


_NONE = np.zeros(0, np.uint64)


def name_examples(
    directory: Path,
    findings: Sequence[Finding],
    examples: Sequence[tuple[Place, Place]],
) -> str:
    """Write `train:a.JPEG = validation:b.JPEG; ...`, reading those records again."""
    shown = []
    for pair in examples:
        names = [_name(directory, findings[place.shard], place) for place in pair]
        shown.append(" = ".join(sorted(names)))
    return "; ".join(sorted(shown))


def _name(directory: Path, finding: Finding, place: Place) -> str:
    records = serialised_records(directory / finding.file, first=place.record)
    return f"{finding.split}:{decode_example(next(records)).filename}"
