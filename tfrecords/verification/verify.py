"""Re-reads a whole dataset and proves it against its manifest."""

import json
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import numpy as np

from tfrecords.dataset.labels import read_labels
from tfrecords.dataset.manifest import Manifest
from tfrecords.dataset.names import (
    IGNORED_FILE,
    LABELS_FILE,
    MANIFEST_FILE,
    REJECTED_FILE,
    SHARDS,
    STATISTICS_FILE,
    TFDS_FEATURES_FILE,
    TFDS_INFO_FILE,
)
from tfrecords.dataset.statistics import Accumulator, Statistics
from tfrecords.errors import DatasetError
from tfrecords.images.options import ImageOptions
from tfrecords.processes import check_processes, run_tasks
from tfrecords.progress import Progress
from tfrecords.verification.duplicates import Duplicates, find_duplicates, name_examples
from tfrecords.verification.offsets_check import check_offsets
from tfrecords.verification.result import Verification, VerifiedSplit
from tfrecords.verification.shard_check import Finding, ShardCheck, inspect_shard


def verify(
    directory: Path | str,
    *,
    processes: int | None = None,
    fail_on_leaks: bool = False,
    progress: bool = True,
) -> Verification:
    """Read every byte of a dataset and compare it with its manifest.

    Sizes, SHA-256 and TFRecord checksums, record counts, every picture, every label,
    the label histogram, `statistics.npz` against the training shards to the last bit,
    `offsets.npz` likewise, `labels.txt`, `rejected.jsonl` and `ignored.jsonl`, shards
    that nobody lists, and byte-equal pictures within and across splits.

    Args:
        directory: Dataset folder made by `alexnet build`.
        processes: Worker processes; None: one a core.
        fail_on_leaks: A picture in two splits is wrong, not only worth a note.
        progress: report on standard error.
    """
    check_processes(processes)
    directory = Path(directory)
    result = Verification(str(directory), fail_on_leaks=fail_on_leaks)
    try:
        manifest = Manifest.load(directory, check=False)
        options = _image_options(manifest)
    except DatasetError as error:
        result.problems.append(str(error))
        return result
    findings = _inspect(directory, manifest, options, processes, progress)
    result.problems += [finding.problem for finding in findings if finding.problem]
    result.problems += _check_histograms(manifest, findings)
    if "train" in manifest.splits:
        result.problems += _check_statistics(directory, manifest.image_size, findings)
    result.problems += check_offsets(directory, manifest, findings)
    result.problems += _check_labels(directory, manifest)
    result.problems += _check_list(directory / REJECTED_FILE, manifest.rejected)
    result.problems += _check_ignored(directory, manifest)
    result.problems += _check_listing(directory, manifest)
    _add_splits(manifest, findings, result)
    return result


def _image_options(manifest: Manifest) -> ImageOptions:
    try:
        options = ImageOptions.recorded(manifest.options)
        if options.size != manifest.image_size:
            raise ValueError(f"size {options.size}, image_size {manifest.image_size}")
    except (ValueError, TypeError) as error:
        raise DatasetError(f"{MANIFEST_FILE} is ill-formed: {error}.") from None
    return options


def _inspect(directory, manifest, options, processes, progress) -> list[Finding]:
    checks = [
        ShardCheck(
            str(directory), split, shard, manifest.labels, options, manifest.words
        )
        for split, shards in manifest.splits.items()
        for shard in shards
    ]
    total = sum(check.shard.records for check in checks)
    with Progress("verify", total, progress) as bar:
        found = run_tasks(inspect_shard, checks, processes, bar.update)
        with closing(found):
            return sorted(found, key=lambda finding: finding.file)


def _check_histograms(manifest: Manifest, findings: list[Finding]) -> list[str]:
    problems = []
    for split, expected in manifest.class_counts.items():
        parts = [finding for finding in findings if finding.split == split]
        if any(finding.problem for finding in parts):
            continue  # said already
        found = sum((f.class_counts for f in parts), np.zeros(len(expected), np.int64))
        wrong = np.flatnonzero(found != np.array(expected))
        if wrong.size:
            label = int(wrong[0])
            problems.append(
                f"{MANIFEST_FILE}: says {expected[label]} {split} records of label "
                f"{label}, found {found[label]} ({wrong.size} labels differ)"
            )
    return problems


def _check_statistics(directory: Path, size: int, findings: list[Finding]) -> list[str]:
    try:
        stored = Statistics.load(directory / STATISTICS_FILE)
    except DatasetError as error:
        return [str(error)]
    if any(finding.problem for finding in findings if finding.accumulator):
        return []  # the damaged shard is named already
    total = Accumulator(size)
    for finding in findings:
        if finding.accumulator:
            total.merge(finding.accumulator)
    if not total.count:
        return [f"{STATISTICS_FILE}: there are no training pictures to check it with"]
    fresh = total.statistics()
    wrong = [
        f.name
        for f in fields(Statistics)
        if not _equal(getattr(stored, f.name), getattr(fresh, f.name))
    ]
    if not wrong:
        return []
    names = ", ".join(wrong)
    return [f"{STATISTICS_FILE}: {names} not as computed from the training shards"]


def _equal(stored, fresh) -> bool:
    # The sums are exact; what follows may round otherwise with another LAPACK.
    return np.shape(stored) == np.shape(fresh) and np.allclose(
        stored, fresh, rtol=1e-9, atol=1e-9
    )


def _check_labels(directory: Path, manifest: Manifest) -> list[str]:
    try:
        found = read_labels(directory)
    except (OSError, ValueError) as error:
        return [f"{LABELS_FILE}: cannot be read: {error}"]
    if found == manifest.labels:
        return []
    return [
        f"{LABELS_FILE}: expected the {manifest.num_classes} names of the manifest, "
        f"found {len(found)}, or others, or in another order"
    ]


def _check_list(path: Path, expected: int) -> list[str]:
    try:
        found = len(
            [json.loads(line)["reason"] for line in path.read_text().splitlines()]
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{path.name}: cannot be read: {error}"]
    if found == expected:
        return []
    return [f"{path.name}: expected {expected} lines as in the manifest, found {found}"]


def _check_listing(directory: Path, manifest: Manifest) -> list[str]:
    problems = [
        f"{name}: {state}, so tfds cannot read the folder"
        for name in (TFDS_INFO_FILE, TFDS_FEATURES_FILE)
        if (state := _wrong_json(directory / name))
    ]
    listed = {shard.file for shards in manifest.splits.values() for shard in shards}
    for path in sorted(directory.glob(SHARDS)):
        # The compressed form of a missing shard was named with it.
        plain = path.with_suffix("")
        if path.name not in listed and (plain.name not in listed or plain.exists()):
            problems.append(f"{path.name}: not in the manifest; remove it")
    return problems


def _wrong_json(path: Path) -> str | None:
    try:
        json.loads(path.read_bytes())
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError):
        return "damaged"
    return None


def _check_ignored(directory: Path, manifest: Manifest) -> list[str]:
    # Older datasets have no such list.
    if not (directory / IGNORED_FILE).exists():
        return []
    return _check_list(directory / IGNORED_FILE, manifest.ignored)


def _add_splits(
    manifest: Manifest, findings: list[Finding], result: Verification
) -> None:
    equal = find_duplicates(findings, tuple(manifest.splits))
    for split, shards in manifest.splits.items():
        parts = [finding for finding in findings if finding.split == split]
        counts = np.sum([f.class_counts for f in parts], axis=0, dtype=np.int64)
        result.splits[split] = VerifiedSplit(
            shards=len(shards),
            records=sum(len(finding.records) for finding in parts),
            bytes=sum(shard.bytes for shard in shards),
            classes=int(np.count_nonzero(counts)),
            class_counts=tuple(np.atleast_1d(counts).tolist()),
            duplicates=equal.within[split],
            leaks=equal.across[split],
        )
    _note_duplicates(findings, equal, result)


def _note_duplicates(
    findings: list[Finding], equal: Duplicates, result: Verification
) -> None:
    directory = Path(result.directory)
    result.leaks = equal.leaks
    if result.duplicates:
        shown = name_examples(directory, findings, equal.repeated_examples)
        result.notes.append(
            f"{result.duplicates} pictures repeat another of their split, such as "
            f"{shown}"
        )
    if equal.leaks:
        shown = name_examples(directory, findings, equal.leaked_examples)
        lines = result.problems if result.fail_on_leaks else result.notes
        lines.append(
            f"{equal.leaks} pictures are in more than one split, such as {shown}"
        )
