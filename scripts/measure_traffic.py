"""Count the bytes that data parallel training sends, and project larger machines.

    .venv/bin/python scripts/measure_traffic.py --json traffic.json
    .venv/bin/python scripts/measure_traffic.py --project --gpu-rate 2500

The first trains the network on noise in groups of processes on 127.0.0.1, counts what
passes the loopback interface in a step, and compares it with the formula. Where Linux
allows it the group has a network namespace, and so a loopback, of its own; elsewhere
other programs are counted too, and what passes between the steps is subtracted. The
second runs nothing: it is arithmetic on its options.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tyro
from rich.console import Console
from rich.table import Table

from keras_alexnet.benchmark import traffic
from keras_alexnet.models.crossings import crossing_bytes
from keras_alexnet.models.presets import Preset, find_preset
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically

MB, GB, MICROSECOND = 1e6, 1e9, 1e-6
MACHINES = (
    (1, 1),
    (1, 8),
    (8, 1),
    (8, 8),
    (256, 1),
    (256, 8),
)  # machines, GPUs in each
SIZES = (2, 8, 64, 256)  # devices of the table of bytes
PAPER_BATCH = 128  # section 5
SCHEMES: tuple[Literal["a", "b", "c"], ...] = ("a", "b", "c")


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


@dataclass(frozen=True)
class ProjectOptions:
    """Work out larger machines from what is assumed of them; nothing is run."""

    gpu_rate: float = 2500.0
    """Training rate of one GPU alone, images/s."""
    gpu_batch: int = 128
    """Images a GPU in a step."""
    preset: str = "released"
    """Network."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of activations."""
    inside: float = 50.0
    """From GPU to GPU in a machine, GB/s in each direction."""
    inside_latency: float = 10.0
    """The same, microseconds a message."""
    between: float = 10.0
    """From machine to machine, GB/s in each direction; its GPUs share it."""
    between_latency: float = 50.0
    """The same, microseconds a message."""
    core_rate: float = 700.0
    """Pictures that one core decodes and augments in a second."""
    picture_bytes: float = 26_000.0
    """Mean size of a stored picture."""
    json: Path | None = None
    """Write the figures to this file."""


def main(arguments: list[str]) -> int:
    """Measure or project, and return the exit status."""
    kinds: dict[bool, tuple[Any, Callable[[Any], None]]] = {
        False: (MeasureOptions, measure),
        True: (ProjectOptions, project),
    }
    projecting = "--project" in arguments
    options_type, run = kinds[projecting]
    options = tyro.cli(
        options_type,
        prog="measure_traffic.py" + " --project" * projecting,
        description=f"{options_type.__doc__} With --project (see --project --help): "
        f"{ProjectOptions.__doc__}",
        args=[argument for argument in arguments if argument != "--project"],
    )
    try:
        run(options)
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


def project(options: ProjectOptions) -> None:
    """Print bytes and times of larger machines, and what their input must deliver."""
    from keras_alexnet.benchmark.projection import Workload, input_need

    preset = find_preset(options.preset)
    work = Workload(preset, options.gpu_batch, options.gpu_rate, options.dtype)
    print(f"Assumed, nothing measured: {_plain(options)}")
    sent = list(_bytes_sent(preset, options.gpu_batch))
    _print_bytes(sent, options.gpu_batch)
    rows = [row for place in MACHINES for row in _projected(work, place, options)]
    _print_projected(rows, f"{options.gpu_batch} images a GPU")
    fixed = []
    for machines, gpus in MACHINES:
        if PAPER_BATCH % (machines * gpus) == 0:
            share = PAPER_BATCH // (machines * gpus)
            own = Workload(preset, share, options.gpu_rate, options.dtype)
            fixed += list(_projected(own, (machines, gpus), options))
    _print_projected(fixed, f"{PAPER_BATCH} images on all GPUs together")
    need = input_need(
        8 * options.gpu_rate,
        options.core_rate,
        options.picture_bytes,
        preset.input_size,
    )
    table = Table("input of 8 GPUs at full rate", "a second")
    table.add_row("pictures", f"{need.images_per_second:,.0f}")
    table.add_row("cores, nothing else on them", f"{need.cores:.1f}")
    table.add_row("from disk", f"{need.disk / MB:,.0f} MB")
    table.add_row("to the GPUs, float32", f"{need.host_to_gpu / GB:.1f} GB")
    Console().print(table)
    document = {
        "assumed": _plain(options),
        "bytes": sent,
        "same_batch_a_gpu": rows,
        "same_batch": fixed,
        "input_of_8_gpus": asdict(need),
    }
    _write(options.json, document)


def _bytes_sent(preset: Preset, own: int) -> Iterator[dict[str, Any]]:
    """Yield what a device sends, the mean of all, if each has the work of `own` images.

    Two towers have all images of both, and half of the work on each.
    """
    for devices in SIZES:
        ways = ["data parallel", "hybrid"]
        if devices == 2 and max(preset.groups) > 1:
            ways.insert(0, "towers")
        for way in ways:
            sizes = {
                dtype: _sent(way, preset, devices, devices * own, dtype) / devices
                for dtype in ("float32", "bfloat16")
            }
            yield {"devices": devices, "way": way, **sizes}


def _sent(way: str, preset: Preset, devices: int, batch_size: int, dtype: str) -> int:
    if way == "towers":
        return crossing_bytes(preset, batch_size, dtype)
    if way == "data parallel":
        return sum(traffic.data_parallel_bytes(preset, devices).values())
    return sum(traffic.hybrid_bytes(preset, devices, batch_size, dtype).values())


def _print_bytes(rows: list[dict[str, Any]], own: int) -> None:
    table = Table(title=f"Sent by a device in a step of {own} images a device")
    for heading in ("devices", "way", "float32 MB", "bfloat16 MB"):
        table.add_column(heading, justify="right")
    for row in rows:
        sizes = (f"{row[dtype] / MB:,.1f}" for dtype in ("float32", "bfloat16"))
        table.add_row(str(row["devices"]), row["way"], *sizes)
    Console().print(table)


def _projected(
    work: Any, place: tuple[int, int], options: ProjectOptions
) -> Iterator[dict[str, Any]]:
    from keras_alexnet.benchmark import projection

    inside = projection.Link(options.inside * GB, options.inside_latency * MICROSECOND)
    between = projection.Link(
        options.between * GB, options.between_latency * MICROSECOND
    )
    cluster = projection.Cluster(*place, inside, between)
    ways = {"data parallel": projection.data_parallel_step(work, cluster)}
    if cluster.replicas > 1:
        for scheme in SCHEMES:
            try:
                step = projection.hybrid_step(work, cluster, scheme)
            except ValueError:
                continue  # scheme c needs a batch that divides once more
            ways[f"hybrid {scheme}"] = step
    for way, time in ways.items():
        least, most = projection.speed_up(time, cluster.replicas)
        yield {
            "machines": place[0],
            "gpus": place[1],
            "way": way,
            **asdict(time),
            "speed_up_nothing_hidden": least,
            "speed_up_all_hidden": most,
        }


def _print_projected(rows: list[dict[str, Any]], title: str) -> None:
    table = Table(title=f"Projected, not measured, ms: {title}")
    for heading in ("GPUs", "way", "arithmetic", "transfers", "hideable", "speed-up"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(
            f"{row['machines']} x {row['gpus']}",
            row["way"],
            f"{1e3 * row['compute']:,.1f}",
            f"{1e3 * row['communication']:,.1f}",
            f"{1e3 * row['hidden']:,.1f}",
            "{speed_up_nothing_hidden:,.1f} - {speed_up_all_hidden:,.1f}".format(**row),
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
    sys.exit(main(sys.argv[1:]))
