"""Parts of a source, and corrections to it: classes, limits, exclusions, labels."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tfrecords.dataset.labels import composed
from tfrecords.errors import DatasetError
from tfrecords.plain_text import printable
from tfrecords.sources import Ignored, Sample, Source
from tfrecords.sources.ilsvrc import facts
from tfrecords.text_file import read_text

_STREAM = 0x5E1EC7  # apart from the plan's random numbers of the same seed
_SPLITS = (None, "train", "validation", "test")


def select(
    source: Source,
    *,
    classes: int | Sequence[str] | None = None,
    limit: int | None = None,
    seed: int = 0,
    exclude: Path | None = None,
    relabel: Path | None = None,
) -> Source:
    """Return what is left of a source after corrections and choices, in this order.

    Args:
        source: all that there is; it is not changed.
        relabel: a CSV file with columns `file` and `label`, a class name or a number
            from 0. A file is a key, or a base name that is unique in the source.
        exclude: a text file, one entry a line: a key, a base name, or the number of
            a validation picture of ILSVRC-2012. `#` starts a comment.
        classes: the first so many, or their names; they become labels 0 to n - 1 in
            the source's order.
        limit: at most so many pictures in each split. Each class keeps its share, and
            at least one picture while the limit suffices.
        seed: of the choice for `limit`, which depends on keys and labels alone.

    Raises:
        DatasetError: an entry matches nothing or several pictures, a class is not
            there, a number is out of range, or no picture is left.
    """
    if relabel is not None:
        source = _relabelled(source, relabel)
    if exclude is not None:
        source = _without(source, exclude)
    if classes is not None:
        source = _of_classes(source, classes)
    if limit is not None:
        source = _limited(source, limit, seed)
    if not source.samples:
        raise DatasetError(f"Expected pictures of {source.location}, none is left.")
    return source


def _finder(source: Source, path: Path) -> Callable[[str], Sample]:
    keys = {sample.key: sample for sample in source.samples}
    bases: dict[str, Sample | None] = {}
    for sample in source.samples:
        keys.setdefault(composed(sample.key), sample)
        base = composed(sample.key.rpartition("/")[2])
        bases[base] = None if base in bases else sample

    def find(entry: str) -> Sample:
        base = composed(entry)
        for form in (entry, base, base.replace("\\", "/")):
            if sample := keys.get(form) or bases.get(form):
                return sample
        matches = "several pictures" if base in bases else "no picture"
        raise DatasetError(
            f"Expected the key or base name of one picture of {source.location}, "
            f"'{printable(entry)}' in {path} matches {matches}. Mend or remove the "
            "entry."
        )

    return find


def _relabelled(source: Source, path: Path) -> Source:
    find = _finder(source, path)
    places = {composed(name): label for label, name in enumerate(source.labels)}
    changed: dict[str, int] = {}
    rows = csv.DictReader(io.StringIO(_text(path)))
    if not {"file", "label"} <= set(rows.fieldnames or ()):
        raise DatasetError(
            f"Expected columns file,label in the first line of {path}, found "
            f"{rows.fieldnames}. Add a header."
        )
    for row in rows:
        label = _label((row["label"] or "").strip(), places, path)
        key = find((row["file"] or "").strip()).key
        if changed.setdefault(key, label) != label:
            raise DatasetError(f"Expected one label of {key} in {path}, found two.")
    samples = tuple(
        replace(sample, label=changed[sample.key]) if sample.key in changed else sample
        for sample in source.samples
    )
    return replace(source, samples=samples)


def _label(text: str, places: dict[str, int], path: Path) -> int:
    if composed(text) in places:
        return places[composed(text)]
    if text.isascii() and text.isdecimal() and int(text) < len(places):
        return int(text)
    raise DatasetError(
        f"Expected a class name or a label 0 to {len(places) - 1} in {path}, found "
        f"{text!r}. Mend the line."
    )


def _without(source: Source, path: Path) -> Source:
    find = _finder(source, path)
    entries = (line.partition("#")[0].strip() for line in _text(path).splitlines())
    out = {find(_validation_name(entry)).key for entry in entries if entry}
    passed = [Ignored(key, f"excluded by {path.name}") for key in out]
    return replace(
        source,
        samples=tuple(sample for sample in source.samples if sample.key not in out),
        ignored=tuple(sorted((*source.ignored, *passed))),
    )


def _validation_name(entry: str) -> str:
    number = entry.isascii() and entry.isdecimal()
    return facts.validation_name(int(entry)) if number else entry


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"Cannot read {path}: {error}. Save it as UTF-8.") from None


def _of_classes(source: Source, classes: int | Sequence[str]) -> Source:
    kept = _kept_labels(source, classes)
    places = {label: place for place, label in enumerate(kept)}
    return replace(
        source,
        labels=tuple(source.labels[label] for label in kept),
        words=tuple(source.words[label] for label in kept),
        samples=tuple(
            replace(sample, label=places[sample.label])
            for sample in source.samples
            if sample.label in places
        ),
    )


def _kept_labels(source: Source, classes: int | Sequence[str]) -> list[int]:
    count = len(source.labels)
    if isinstance(classes, int):
        if not 1 <= classes <= count:
            raise DatasetError(f"Expected 1 to {count} classes; got {classes}.")
        return list(range(classes))
    names = [classes] if isinstance(classes, str) else list(classes)
    places = {composed(name): label for label, name in enumerate(source.labels)}
    for name in names:
        if composed(name) not in places:
            raise DatasetError(
                f"Expected classes of {source.location}, such as {source.labels[0]!r}; "
                f"got {name!r}. There are {count:,}."
            )
    if not names:
        raise DatasetError("Expected at least one class; got none.")
    return sorted({places[composed(name)] for name in names})


def _limited(source: Source, limit: int, seed: int) -> Source:
    if not limit >= 1:
        raise DatasetError(f"Expected a limit of at least 1; got {limit}.")
    if seed < 0:
        raise DatasetError(f"Expected a seed of at least 0; got {seed}.")
    by_split: dict[str | None, list[Sample]] = {}
    for sample in source.samples:
        by_split.setdefault(sample.split, []).append(sample)
    kept: set[str] = set()
    for split, samples in by_split.items():
        kept |= _chosen(samples, limit, (seed, _STREAM, _SPLITS.index(split)))
    return replace(source, samples=tuple(s for s in source.samples if s.key in kept))


def _chosen(samples: list[Sample], limit: int, seed: tuple[int, ...]) -> set[str]:
    by_label: dict[int, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: sample.key):
        by_label.setdefault(sample.label, []).append(sample)
    labels = sorted(by_label)
    shares = _shares([len(by_label[label]) for label in labels], limit, seed)
    return {
        by_label[label][place].key
        for label, share in zip(labels, shares, strict=True)
        for place in _permutation(len(by_label[label]), (*seed, 1 + label))[:share]
    }


def _shares(counts: list[int], limit: int, seed: tuple[int, ...]) -> list[int]:
    """Divide a limit among classes by the largest remainders, ties by the seed."""
    total = sum(counts)
    if limit >= total:
        return counts
    order = _permutation(len(counts), (*seed, 0))
    if limit <= len(counts):
        chosen = set(order[:limit])
        return [int(place in chosen) for place in range(len(counts))]
    # One each, and the rest in proportion to what each class has besides.
    rest, spare = limit - len(counts), total - len(counts)
    shares = [1 + rest * (count - 1) // spare for count in counts]
    left = sorted(order, key=lambda place: -(rest * (counts[place] - 1) % spare))
    for place in left[: limit - sum(shares)]:
        shares[place] += 1
    return shares


def _permutation(count: int, seed: Iterable[int]) -> list[int]:
    # Raw numbers, as in the plan: NumPy promises that they stay the same.
    raw = np.random.PCG64(np.random.SeedSequence(list(seed))).random_raw(count)
    return np.argsort(raw, kind="stable").tolist()
