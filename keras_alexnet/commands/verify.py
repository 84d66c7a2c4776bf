"""`alexnet verify DIR`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from tfrecords.files import write_atomically


@dataclass(frozen=True)
class VerifyOptions:
    """Re-read a dataset folder, every byte, and prove it against its manifest.

    The exit status is 0 only if nothing is wrong.
    """

    directory: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    processes: int | None = None
    """Worker processes; None: one a core."""
    json: Path | None = None
    """Write the report to this file too."""


def main(arguments: Sequence[str]) -> int:
    """Verify, print the report and return 0 if all is well."""
    options = tyro.cli(VerifyOptions, args=arguments, prog="alexnet verify")
    from tfrecords import verify

    report = verify(options.directory, processes=options.processes)
    if options.json:
        write_atomically(options.json, (report.to_json() + "\n").encode())
    for note in report.notes:
        print(note)
    for problem in report.problems:
        print(problem, file=sys.stderr)
    counts = ", ".join(f"{n:,} {split}" for split, n in report.counts.items())
    verdict = "all is well" if report.ok else f"{len(report.problems)} problems"
    print(f"{options.directory}: {counts or 'nothing read'}; {verdict}.")
    return 0 if report.ok else 1
