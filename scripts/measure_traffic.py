"""Count the bytes that data parallel training sends, beside the formula.

    .venv/bin/python scripts/measure_traffic.py --json traffic.json

Trains the network on noise in groups of processes on 127.0.0.1, counts what passes the
loopback interface in a step, and compares it with the formula. Where Linux allows it
the group has a network namespace, and so a loopback, of its own; elsewhere other
programs are counted too, and what passes between the steps is subtracted.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

from keras_alexnet.benchmark import traffic
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.tables import Console, Table

MB = 1e6


@dataclass(frozen=True)
class MeasureOptions:
    """Measure bytes and seconds of a step in groups of processes."""

    processes: tuple[int, ...] = (2, 4)
    """Sizes of the groups."""
    preset: str = "released"
    """Network."""
    num_classes: int = 1000
    """Outputs of the network."""
    units: int = 4096
    """Of fc6 and fc7."""
    input_size: int = 224
    """Side of the pictures, pixels."""
    batch_size: int = 16
    """Images in a step of the whole group."""
    steps: int = 2
    """Steps of one measurement."""
    windows: int = 5
    """Measurements of each group."""
    idle: float = 5.0
    """Seconds of counting between the steps, to subtract what passes anyway."""
    timeout: float = 1800.0
    """Seconds after which a group that has not finished is stopped."""
    logs: Path | None = None
    """Keep what the processes say in this folder."""
    json: Path | None = None
    """Write the figures to this file."""


def main(options: MeasureOptions) -> int:
    """Measure, and return the exit status."""
    try:
        measure(options)
    except (DatasetError, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def measure(options: MeasureOptions) -> None:
    """Measure one device, towers and replicas on logical CPUs, groups of processes."""
    from keras_alexnet.benchmark.loopback import enter_own_loopback, measure_job

    jobs = list(_jobs(options))
    own = enter_own_loopback([sys.executable, *sys.argv])
    document: dict[str, Any] = {"own_loopback": own, "options": _plain(options)}
    with tempfile.TemporaryDirectory() as scratch:
        logs = options.logs or Path(scratch)
        logs.mkdir(parents=True, exist_ok=True)
        rows = document["figures"] = []
        for job in jobs:
            print(f"{job.kind} {job.replicas} x {job.batch_size} images", flush=True)
            figures = measure_job(
                job,
                logs=logs,
                steps=options.steps,
                windows=options.windows,
                idle=options.idle,
                timeout=options.timeout,
            )
            rows.append(asdict(figures))
            _add_overheads(rows)
            _write(options.json, document)  # what is there if the next one fails
    _print_measured(rows, own)


def _jobs(options: MeasureOptions) -> Iterator[Any]:
    from keras_alexnet.benchmark.replica import Job

    common = {
        "preset": options.preset,
        "num_classes": options.num_classes,
        "overrides": {"units": options.units, "input_size": options.input_size},
    }
    whole = options.batch_size
    shares = {
        count: traffic.share_of_batch(whole, count) for count in options.processes
    }
    for count, share in shares.items():
        yield Job("multiworker", count, share, **common)
    for batch_size in sorted({whole, *shares.values()}, reverse=True):
        yield Job("none", 1, batch_size, **common)
    for count, share in shares.items():
        yield Job("mirrored", count, share, **common)
    yield Job("towers", 1, whole, **common)


def _add_overheads(rows: list[dict[str, Any]]) -> None:
    """Add the processor time that as many separate replicas would not take."""
    alone = {row["batch_size"]: row for row in rows if row["kind"] == "none"}
    for row in rows:
        if row["batch_size"] in alone:
            replicas = row["replicas"] * alone[row["batch_size"]]["processor"]
            row["overhead"] = row["processor"] - replicas


def _print_measured(rows: list[dict[str, Any]], own: bool) -> None:
    table = Table(title="Loopback, a step" + ("" if own else " (shared interface)"))
    for heading in ("job", "MB sent", "MB formula", "ratio"):
        table.add_column(heading, justify="right", no_wrap=True)
    for heading in ("CPU s", "more", "clock s"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        expected = row["expected"]
        table.add_row(
            f"{row['kind']} {row['replicas']} x {row['batch_size']}",
            f"{row['measured'] / MB:.2f}",
            f"{expected / MB:.2f}",
            f"{row['measured'] / expected:.4f}" if expected else "",
            f"{row['processor']:.2f}",
            f"{row['overhead']:+.2f}",
            f"{row['wall']:.2f}",
        )
    Console().print(table)


def _write(path: Path | None, document: dict[str, Any]) -> None:
    if path:
        write_atomically(path, (json.dumps(document, indent=1) + "\n").encode())


def _plain(options: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in asdict(options).items()
        if not isinstance(value, Path) and value is not None
    }


if __name__ == "__main__":
    sys.exit(main(tyro.cli(MeasureOptions, description=__doc__)))
