"""`alexnet verify DIR`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles

if TYPE_CHECKING:
    from tfrecords.tables import Table
    from tfrecords.verification.result import Verification


@dataclass(frozen=True)
class VerifyOptions:
    """Re-read a dataset folder, every byte, and prove it against its manifest.

    The exit status is 0 only if nothing is wrong.
    """

    directory: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    processes: int | None = None
    """Worker processes; None: one a core."""
    fail_on_leaks: bool = False
    """A picture in two splits is wrong, not only worth a note."""
    json: Path | None = None
    """Write the report to this file too."""


def main(arguments: Sequence[str]) -> int:
    """Verify, print the report and return 0 if nothing is wrong."""
    options = tyro.cli(VerifyOptions, args=arguments, prog="alexnet verify")
    files = ResultFiles(options.json)
    from tfrecords import verify
    from tfrecords.tables import Console

    report = verify(
        options.directory,
        processes=options.processes,
        fail_on_leaks=options.fail_on_leaks,
    )
    files.write(options.json, (report.to_json() + "\n").encode())
    if report.splits:
        Console().print(_table(report))
    for note in report.notes:
        say(note)
    for problem in report.problems:
        say(problem, error=True)
    counts = ", ".join(f"{n:,} {split}" for split, n in report.counts.items())
    say(f"{options.directory}: {counts or 'nothing read'}; {_verdict(report)}.")
    files.close()
    return 0 if report.ok else 1


def _verdict(report: "Verification") -> str:
    if report.problems:
        return f"{len(report.problems):,} problems"
    remarks = []
    if report.leaks:
        remarks.append(f"{report.leaks:,} pictures are in more than one split")
    if report.duplicates:
        remarks.append(f"{report.duplicates:,} pictures repeat another of their split")
    return f"no damage, but {' and '.join(remarks)}" if remarks else "all is well"


def _table(report: "Verification") -> "Table":
    from tfrecords.tables import Table

    table = Table()
    table.add_column("split", no_wrap=True)
    for title in ("shards", "records", "MB", "classes", "a class", "repeats", "leaks"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, split in report.splits.items():
        counts = split.class_counts or (0,)
        table.add_row(
            name,
            f"{split.shards:,}",
            f"{split.records:,}",
            f"{split.bytes / 1e6:,.1f}",
            f"{split.classes:,}",
            f"{min(counts):,}-{max(counts):,}",
            f"{split.duplicates:,}",
            f"{split.leaks:,}",
        )
    return table
