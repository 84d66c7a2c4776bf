"""Project a build of all of ImageNet from figures that benchmark_build.py measured.

    python scripts/project_build.py MEASURED.json [--memory-of FILE] [--markdown FILE]

With N pictures and P processes, one a core (names as in `Measured` and `Options`):

    pictures_per_second = working_rate x P / processes x scale
    scale               = min(1, mean_pixels / photo_pixels)
    seconds             = N / pictures_per_second
    written             = N x stored_bytes
    read                = N x photo_bytes
    memory              = parent + P x worker + (N - pictures) x growth

Assumed: the rate grows in step with the cores from the measured number of processes
on; decoding grows in step with the pixels of a photo; stored pictures are as large as
the measured ones; the disk keeps up with the rate in the table (where it does not, time
is bytes over the disk's rate); on a cluster each worker is as fast as here. Memory is
an upper bound: pages that all workers share are counted in each.
"""

import json
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from build_report import bytes_per_picture

from tfrecords.files import write_atomically
from tfrecords.tables import Console, Table

ILSVRC_2012 = 1_281_167 + 50_000  # training and validation pictures
WHOLE_IMAGENET = 15_000_000
ROWS = (
    (ILSVRC_2012, 2),
    (ILSVRC_2012, 16),
    (ILSVRC_2012, 64),
    (WHOLE_IMAGENET, 64),
    (WHOLE_IMAGENET, 256),
    (WHOLE_IMAGENET, 1024),
)
HEAD = "pictures|cores|pictures/s|hours|written GB|reads MB/s|writes MB/s|memory GB"


@dataclass(frozen=True)
class Options:
    """Project a build of all of ImageNet from measured figures."""

    measured: tyro.conf.Positional[Path]
    """File that `benchmark_build.py --json` wrote, memory included."""
    memory_of: Path | None = None
    """Another such file, of more pictures, whose memory is taken; None: the same."""
    photo_pixels: int = 400 * 350
    """Pixels of the average photo; assumed of ILSVRC-2012."""
    photo_bytes: int = 110_000
    """Bytes of the average photo; assumed of ILSVRC-2012."""
    stored_bytes: int | None = None
    """Bytes of a stored record; None: as measured."""
    markdown: Path | None = None
    """Write the table to this file."""


@dataclass(frozen=True)
class Measured:
    """What the projection takes from a measurement.

    Attributes:
        processes: worker processes of the parallel build.
        working_rate: its pictures a second, starting left out; median of the rounds.
        mean_pixels: of the pictures that were read.
        stored_bytes: of a record.
        pictures: of the larger memory measurement.
        parent: bytes of memory of the parent process in it.
        worker: bytes of memory of its largest worker.
        growth: bytes of memory a further picture costs, from its two runs.
    """

    processes: int
    working_rate: float
    mean_pixels: float
    stored_bytes: float
    pictures: int
    parent: int
    worker: int
    growth: float


def read_measured(document: dict[str, Any], memory: dict[str, Any]) -> Measured:
    """Take the figures out of documents of benchmark_build.py; they may be one.

    Raises:
        KeyError: it holds no memory measurement, or is no such document.
        ValueError: in one of the rounds the rate could not be told from noise.
    """
    processes = document["processes"]
    build = document["builds"][f"alexnet-{processes}"]
    rounds = [row["working_images_per_second"] for row in build["rounds"]]
    if None in rounds:
        raise ValueError("a rate is unknown; measure more pictures")
    small, large = memory["memory"]["runs"]
    more = large["pictures"] - small["pictures"]
    parent, *others = large["peak_processes"]
    return Measured(
        processes=processes,
        working_rate=statistics.median(rounds),
        mean_pixels=document["source"]["mean_pixels"],
        stored_bytes=bytes_per_picture(build),
        pictures=large["pictures"],
        parent=parent,
        worker=max(others),
        growth=max(0.0, (large["peak_bytes"] - small["peak_bytes"]) / more),
    )


def project(
    measured: Measured, options: Options, pictures: int, cores: int
) -> dict[str, float]:
    """Apply the formulas above.

    Returns:
        `pictures_per_second`, `seconds`, `written` and `memory` in bytes, `reads` and
        `writes` in bytes a second.
    """
    scale = min(1.0, measured.mean_pixels / options.photo_pixels)
    rate = measured.working_rate * cores / measured.processes * scale
    stored = options.stored_bytes or measured.stored_bytes
    further = max(0, pictures - measured.pictures)
    return {
        "pictures_per_second": rate,
        "seconds": pictures / rate,
        "written": pictures * stored,
        "reads": rate * options.photo_bytes,
        "writes": rate * stored,
        "memory": measured.parent + cores * measured.worker + further * measured.growth,
    }


def table_rows(measured: Measured, options: Options) -> list[tuple[str, ...]]:
    """Return the head and the rows of the table."""
    rows = [tuple(HEAD.split("|"))]
    for pictures, cores in ROWS:
        found = project(measured, options, pictures, cores)
        rows.append(
            (
                f"{pictures:,}",
                f"{cores:,}",
                f"{found['pictures_per_second']:,.0f}",
                f"{found['seconds'] / 3600:,.1f}",
                f"{found['written'] / 1e9:,.0f}",
                f"{found['reads'] / 1e6:,.0f}",
                f"{found['writes'] / 1e6:,.0f}",
                f"{found['memory'] / 1e9:,.1f}",
            )
        )
    return rows


def inputs_line(measured: Measured, options: Options) -> str:
    """Say in one line what the table was computed from."""
    stored = options.stored_bytes or measured.stored_bytes
    return (
        f"From: {measured.working_rate:.0f} pictures/s with {measured.processes} "
        f"processes at {measured.mean_pixels:,.0f} pixels, {stored:,.0f} bytes a "
        f"record, parent {measured.parent / 1e6:,.0f} MB, worker "
        f"{measured.worker / 1e6:,.0f} MB, {measured.growth:,.0f} bytes a "
        f"further picture; photos of {options.photo_pixels:,} pixels and "
        f"{options.photo_bytes:,} bytes."
    )


def main() -> int:
    """Print the table and write the file that was asked for."""
    options = tyro.cli(Options, description=__doc__)
    paths = (options.measured, options.memory_of or options.measured)
    try:
        measured = read_measured(*(json.loads(path.read_bytes()) for path in paths))
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(
            f"project_build: expected a file of benchmark_build.py --json, with memory "
            f"measured, in {' and '.join(dict.fromkeys(map(str, paths)))}: {error!r}",
            file=sys.stderr,
        )
        return 1
    head, *body = table_rows(measured, options)
    table = Table(*head)
    for row in body:
        table.add_row(*row)
    Console().print(table)
    line = inputs_line(measured, options)
    print(line)
    if options.markdown:
        rows = [f"| {' | '.join(row)} |" for row in body]
        rows = [f"| {' | '.join(head)} |", "|" + " --- |" * len(head), *rows]
        text = "\n".join([line, "", *rows]) + "\n"
        write_atomically(options.markdown, text.encode())
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
