"""Re-reads a whole dataset and proves it against its manifest."""

import json
from collections import defaultdict
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from tfrecords import pool
from tfrecords.errors import DatasetError
from tfrecords.inspection import Finding, ShardCheck, inspect_shard
from tfrecords.labels import LABELS_FILE, read_labels
from tfrecords.manifest import MANIFEST_FILE, REJECTED_FILE, Manifest
from tfrecords.progress import Progress
from tfrecords.statistics import STATISTICS_FILE, Accumulator, Statistics

_TFDS_FILES = ("dataset_info.json", "features.json")
_EXAMPLES = 3  # duplicates that are named


@dataclass
class Report:
    """What `verify` found.

    Attributes:
        directory: the dataset folder.
        problems: what is wrong, one line each; none means that all is proved.
        notes: what is worth knowing but does not make the dataset wrong.
        counts: good records read, by split.
        duplicates: pictures that are byte-equal to another one of their split.
        leaks: pictures that are in more than one split.
    """

    directory: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    leaks: int = 0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def to_json(self) -> str:
        """Write the report as a JSON object."""
        return json.dumps({"ok": self.ok, **asdict(self)}, indent=1)


def verify(
    directory: Path | str, *, processes: int | None = None, progress: bool = True
) -> Report:
    """Read every byte of a dataset and compare it with its manifest.

    Sizes, SHA-256 and TFRecord checksums, record counts, every picture, every label,
    the label histogram, `statistics.npz` against the training shards to the last bit,
    `labels.txt`, `rejected.jsonl`, shards that nobody lists, and byte-equal pictures
    within and across splits.

    Args:
        directory: a dataset folder.
        processes: None means one a core.
        progress: report on standard error.
    """
    directory = Path(directory)
    report = Report(str(directory))
    try:
        manifest = Manifest.load(directory, check=False)
    except DatasetError as error:
        report.problems.append(str(error))
        return report
    findings = _inspect(directory, manifest, processes, progress)
    report.problems += [finding.problem for finding in findings if finding.problem]
    report.problems += _check_histograms(manifest, findings)
    report.problems += _check_statistics(directory, manifest.image_size, findings)
    report.problems += _check_labels(directory, manifest)
    report.problems += _check_rejected(directory, manifest)
    report.problems += _check_listing(directory, manifest)
    for split in manifest.splits:
        found = [len(f.digests) for f in findings if f.split == split]
        report.counts[split] = sum(found)
    _find_duplicates(findings, report)
    return report


def _inspect(directory, manifest, processes, progress) -> list[Finding]:
    checks = [
        ShardCheck(str(directory), split, shard, manifest.labels, manifest.image_size)
        for split, shards in manifest.splits.items()
        for shard in shards
    ]
    total = sum(check.shard.records for check in checks)
    with Progress("verify", total, progress) as report:
        found = pool.run(inspect_shard, checks, processes, report.update)
        with closing(found):
            return sorted(found, key=lambda finding: finding.file)


def _check_histograms(manifest: Manifest, findings: list[Finding]) -> list[str]:
    problems = []
    for split, expected in manifest.class_counts.items():
        parts = [finding for finding in findings if finding.split == split]
        if any(finding.problem for finding in parts):
            continue  # said already
        found = np.sum([f.class_counts for f in parts], axis=0)
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


def _check_rejected(directory: Path, manifest: Manifest) -> list[str]:
    try:
        lines = (directory / REJECTED_FILE).read_text().splitlines()
        found = len([json.loads(line)["reason"] for line in lines])
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [f"{REJECTED_FILE}: cannot be read: {error}"]
    if found == manifest.rejected:
        return []
    return [
        f"{REJECTED_FILE}: expected {manifest.rejected} lines as in the manifest, "
        f"found {found}"
    ]


def _check_listing(directory: Path, manifest: Manifest) -> list[str]:
    problems = [
        f"{name}: missing, so tfds cannot read the folder"
        for name in _TFDS_FILES
        if not (directory / name).is_file()
    ]
    listed = {shard.file for shards in manifest.splits.values() for shard in shards}
    for path in sorted(directory.glob("*tfrecord*")):
        if path.name not in listed:
            problems.append(f"{path.name}: not in the manifest; remove it")
    return problems


def _find_duplicates(findings: list[Finding], report: Report) -> None:
    places = defaultdict(list)
    for finding in findings:
        for digest, name in zip(finding.digests, finding.names, strict=True):
            places[digest].append((finding.split, name))
    twins = sorted(sorted(found) for found in places.values() if len(found) > 1)
    leaks = [found for found in twins if len({split for split, _ in found}) > 1]
    report.leaks = len(leaks)
    report.duplicates = sum(
        len(found) - len({split for split, _ in found}) for found in twins
    )
    if report.duplicates:
        same = [found for found in twins if found not in leaks] or twins
        note = f"{report.duplicates} pictures repeat another of their split"
        report.notes.append(f"{note}, such as {_examples(same)}")
    if leaks:
        note = f"{report.leaks} pictures are in more than one split"
        report.notes.append(f"{note}, such as {_examples(leaks)}")


def _examples(twins: list) -> str:
    named = [" = ".join(f"{s}:{n}" for s, n in found[:2]) for found in twins]
    return "; ".join(named[:_EXAMPLES])
