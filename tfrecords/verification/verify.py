"""Re-reads a whole dataset and proves it against its manifest."""

import json
from contextlib import closing
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import numpy as np

from tfrecords.dataset.labels import LABELS_FILE, read_labels
from tfrecords.dataset.manifest import (
    IGNORED_FILE,
    MANIFEST_FILE,
    REJECTED_FILE,
    Manifest,
)
from tfrecords.dataset.statistics import STATISTICS_FILE, Accumulator, Statistics
from tfrecords.errors import DatasetError
from tfrecords.images.options import ImageOptions
from tfrecords.processes import check_processes
from tfrecords.processes import run as run_tasks
from tfrecords.progress import Progress
from tfrecords.verification.duplicates import Duplicates, find_duplicates, name_examples
from tfrecords.verification.shard_check import Finding, ShardCheck, inspect_shard

_TFDS_FILES = ("dataset_info.json", "features.json")


@dataclass(frozen=True)
class SplitReport:
    """What one split holds.

    Attributes:
        shards: files that the manifest lists.
        records: good records read.
        bytes: length of the shards.
        classes: labels with at least one record.
        class_counts: good records by label.
        duplicates: pictures that are byte-equal to an earlier one of the split.
        leaks: pictures that are in another split too.
    """

    shards: int
    records: int
    bytes: int
    classes: int
    class_counts: tuple[int, ...]
    duplicates: int
    leaks: int


@dataclass
class Report:
    """What `verify` found.

    Attributes:
        directory: the dataset folder.
        problems: what is wrong, one line each; none means that all is proved.
        notes: what is worth knowing but does not make the dataset wrong.
        splits: what was read of each split.
        leaks: different pictures that are in more than one split.
        fail_on_leaks: whether leaks count as problems.
    """

    directory: str
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    splits: dict[str, SplitReport] = field(default_factory=dict)
    leaks: int = 0
    fail_on_leaks: bool = False

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    @property
    def counts(self) -> dict[str, int]:
        """Good records read, by split."""
        return {name: split.records for name, split in self.splits.items()}

    @property
    def duplicates(self) -> int:
        """Pictures that are byte-equal to an earlier one of their split."""
        return sum(split.duplicates for split in self.splits.values())

    def to_json(self) -> str:
        """Write the report as a JSON object."""
        summary = {"ok": self.ok, "counts": self.counts, "duplicates": self.duplicates}
        return json.dumps({**summary, **asdict(self)}, indent=1)


def verify(
    directory: Path | str,
    *,
    processes: int | None = None,
    fail_on_leaks: bool = False,
    progress: bool = True,
) -> Report:
    """Read every byte of a dataset and compare it with its manifest.

    Sizes, SHA-256 and TFRecord checksums, record counts, every picture, every label,
    the label histogram, `statistics.npz` against the training shards to the last bit,
    `labels.txt`, `rejected.jsonl` and `ignored.jsonl`, shards that nobody lists, and
    byte-equal pictures within and across splits.

    Args:
        directory: a dataset folder.
        processes: None means one a core.
        fail_on_leaks: a picture in two splits is a problem, not only a note.
        progress: report on standard error.
    """
    check_processes(processes)
    directory = Path(directory)
    report = Report(str(directory), fail_on_leaks=fail_on_leaks)
    try:
        manifest = Manifest.load(directory, check=False)
        options = _image_options(manifest)
    except DatasetError as error:
        report.problems.append(str(error))
        return report
    findings = _inspect(directory, manifest, options, processes, progress)
    report.problems += [finding.problem for finding in findings if finding.problem]
    report.problems += _check_histograms(manifest, findings)
    if "train" in manifest.splits:
        report.problems += _check_statistics(directory, manifest.image_size, findings)
    report.problems += _check_labels(directory, manifest)
    report.problems += _check_list(directory / REJECTED_FILE, manifest.rejected)
    report.problems += _check_ignored(directory, manifest)
    report.problems += _check_listing(directory, manifest)
    _report_splits(manifest, findings, report)
    return report


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
    with Progress("verify", total, progress) as report:
        found = run_tasks(inspect_shard, checks, processes, report.update)
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
        for name in _TFDS_FILES
        if (state := _wrong_json(directory / name))
    ]
    listed = {shard.file for shards in manifest.splits.values() for shard in shards}
    for path in sorted(directory.glob("*tfrecord*")):
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


def _report_splits(manifest: Manifest, findings: list[Finding], report: Report) -> None:
    equal = find_duplicates(findings, tuple(manifest.splits))
    for split, shards in manifest.splits.items():
        parts = [finding for finding in findings if finding.split == split]
        counts = np.sum([f.class_counts for f in parts], axis=0, dtype=np.int64)
        report.splits[split] = SplitReport(
            shards=len(shards),
            records=sum(len(finding.records) for finding in parts),
            bytes=sum(shard.bytes for shard in shards),
            classes=int(np.count_nonzero(counts)),
            class_counts=tuple(np.atleast_1d(counts).tolist()),
            duplicates=equal.within[split],
            leaks=equal.across[split],
        )
    _note_duplicates(findings, equal, report)


def _note_duplicates(
    findings: list[Finding], equal: Duplicates, report: Report
) -> None:
    directory = Path(report.directory)
    report.leaks = equal.leaks
    if report.duplicates:
        shown = name_examples(directory, findings, equal.repeated_examples)
        report.notes.append(
            f"{report.duplicates} pictures repeat another of their split, such as "
            f"{shown}"
        )
    if equal.leaks:
        shown = name_examples(directory, findings, equal.leaked_examples)
        lines = report.problems if report.fail_on_leaks else report.notes
        lines.append(
            f"{equal.leaks} pictures are in more than one split, such as {shown}"
        )
