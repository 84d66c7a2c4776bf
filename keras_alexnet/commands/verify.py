"""`alexnet verify DIR`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from keras_alexnet.options import arguments_of, options_of
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table
from tfrecords.verification.result import Verification
from tfrecords.verification.verify import verify


@dataclass(frozen=True, kw_only=True)
class _Own:
    """Re-read a dataset folder, every byte, and prove it against its manifest.

    The exit status is 0 only if nothing is wrong.
    """

    json: Path | None = None
    """Write the report to this file too."""


_Arguments = options_of(_Own, verify, directory=tyro.conf.Positional[Path])


def main(arguments: Sequence[str]) -> int:
    """Verify, print what was found and return 0 if nothing is wrong."""
    options: Any = tyro.cli(_Arguments, args=arguments, prog="alexnet verify")
    files = ResultFiles(options.json)
    found = verify(**arguments_of(verify, options))
    files.write(options.json, (found.to_json() + "\n").encode())
    if found.splits:
        Console().print(_table(found))
    for note in found.notes:
        say(note)
    for problem in found.problems:
        say(problem, error=True)
    counts = ", ".join(f"{n:,} {split}" for split, n in found.counts.items())
    say(f"{options.directory}: {counts or 'nothing read'}; {_verdict(found)}.")
    files.close()
    return 0 if found.ok else 1


def _verdict(found: Verification) -> str:
    if found.problems:
        return f"{len(found.problems):,} problems"
    remarks = []
    if found.leaks:
        remarks.append(f"{found.leaks:,} pictures are in more than one split")
    if found.duplicates:
        remarks.append(f"{found.duplicates:,} pictures repeat another of their split")
    return f"no damage, but {' and '.join(remarks)}" if remarks else "all is well"


def _table(found: Verification) -> Table:
    table = Table()
    table.add_column("split", no_wrap=True)
    for title in ("shards", "records", "MB", "classes", "a class", "repeats", "leaks"):
        table.add_column(title, justify="right", no_wrap=True)
    for name, split in found.splits.items():
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
