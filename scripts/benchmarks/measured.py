#!/usr/bin/env python
"""Write docs/measured.md: every figure of results/, a row each.

python scripts/benchmarks/measured.py
"""

import sys
from collections.abc import Iterator
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.record import Record
from tfrecords.errors import UserError

ROOT = Path(__file__).parents[2]
RESULTS, PAGE = ROOT / "results", ROOT / "docs" / "measured.md"
# Subject -> what it is about, in the order of the page.
SUBJECTS = {
    "accuracy": "How well networks learn.",
    "fine_tuning": "What the weights of another network are worth to a few pictures.",
    "weights": "Imported weights beside what others make of the same files.",
    "features": "`alexnet features`: speed, memory, bits, being killed.",
    "step": "How fast a training step is.",
    "inference": "How fast pictures are named.",
    "order": "How random the order of training is.",
    "input": "How fast pictures are read.",
    "fit": "How fast `fit` is on shards.",
    "build": "How fast and how reliably shards are built.",
    "interruption": "What is left after a kill.",
    "devices": "What several devices compute, cost and send.",
    "start": "How long starting takes.",
    "gpu": "What one GPU does.",
    "formats": "What exported files give and cost beside Keras.",
    "serving": "What the server stands.",
    "reproduction": "The paper's claims: [reproduction.md](reproduction.md).",
}
ELSEWHERE = ("reproduction",)  # on pages of their own
HEAD = """# Measured

Generated from `results/SUBJECT/NAME.json` by `python scripts/benchmarks/measured.py`:
do not edit. A row is a figure; the last column has the file with the machine, the date,
the options and the notes of its run.
"""
COLUMNS = ("figure", "value", "beside", "command", "commit", "file")


def lines(results: Path) -> Iterator[str]:
    """Yield the lines of the page of all records in a folder of results.

    Raises:
        UserError: A file is no record, or belongs to another subject.
    """
    yield from HEAD.splitlines()
    for subject, about in SUBJECTS.items():
        paths = sorted((results / subject).glob("*.json"))
        if not paths:
            continue
        yield from ("", f"## {subject.capitalize()}", "", about, "")
        if subject in ELSEWHERE:
            continue
        yield from (row(*COLUMNS), row(*["---"] * len(COLUMNS)))
        for path in paths:
            record = Record.load(path)
            if record.subject != subject:
                raise UserError(
                    f"Expected a record of {subject} in {path}, got "
                    f"{record.subject!r}. Move it to the folder of its subject."
                )
            told = f"`{record.command}`", (record.commit or "not known")[:10]
            link = f"[{path.stem}](../results/{subject}/{path.name})"
            for figure in record.figures:
                yield row(figure.name, figure.text, figure.beside, *told, link)


def row(*cells: str) -> str:
    """Return a row of a Markdown table."""
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


if __name__ == "__main__":
    PAGE.write_text("\n".join([*lines(RESULTS), ""]))
