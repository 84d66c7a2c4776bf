#!/usr/bin/env python
"""Write docs/measured.md: every figure of results/, a row each.

python scripts/benchmarks/measured.py
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.record import Record
from tfrecords.errors import UserError
from tfrecords.files import write_atomically

ROOT = Path(__file__).parents[2]
PAGE = Path("docs", "measured.md")
# Subject -> what it is about, in the order of the page.
SUBJECTS = {
    "accuracy": "How well networks learn.",
    "step": "How fast a training step is.",
    "inference": "How fast pictures are named.",
    "input": "How fast pictures are read.",
    "fit": "How fast `fit` is on shards.",
    "build": "How fast and how reliably shards are built.",
    "interruption": "What is left after a kill.",
    "devices": "What several devices compute, cost and send.",
    "start": "How long starting takes.",
}
HEAD = """# Measured

Generated from `results/SUBJECT/NAME.json` by `python scripts/benchmarks/measured.py`:
do not edit. A row is a figure; the last column has the file with the machine, the date,
the options and the notes of its run.
"""


def page(results: Path) -> str:
    """Return the page of all records in a folder of results.

    Raises:
        UserError: A file is no record, or belongs to another subject.
    """
    return "\n".join([HEAD, *(section(results, subject) for subject in SUBJECTS)])


def section(results: Path, subject: str) -> str:
    """Return the heading and the table of one subject, or nothing if it has no run."""
    paths = sorted((results / subject).glob("*.json"))
    if not paths:
        return ""
    lines = [f"## {subject.capitalize()}", "", SUBJECTS[subject], ""]
    lines += [row("figure", "value", "beside", "command", "commit", "file")]
    lines += [row(*["---"] * 6)]
    for path in paths:
        record = Record.load(path)
        if record.subject != subject:
            raise UserError(
                f"Expected a record of {subject} in {path}, got {record.subject!r}. "
                "Move it to the folder of its subject."
            )
        lines += rows(record, f"results/{subject}/{path.name}")
    return "\n".join([*lines, ""])


def rows(record: Record, file: str) -> Iterator[str]:
    """Yield a row for each figure of a record that lies in a file."""
    link = f"[{Path(file).stem}](../{file})"
    for figure in record.figures:
        yield row(
            figure.name,
            figure.text,
            figure.beside,
            f"`{record.command}`",
            (record.commit or "not known")[:10],
            link,
        )


def row(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def main(arguments: Sequence[str] = ()) -> int:
    """Write the page of a tree, this one unless another is given."""
    root = Path(arguments[0]) if arguments else ROOT
    write_atomically(root / PAGE, page(root / "results").encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
