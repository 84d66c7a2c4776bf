"""Project training to many GPUs and machines from stated assumptions.

    .venv/bin/python scripts/project_traffic.py --gpu-rate 2500 --json projection.json

Nothing is run: bytes come from the layer table, times from the options.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import tyro

from keras_alexnet.benchmark import projection, traffic
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.towers.crossings import crossing_bytes
from tfrecords.files import write_atomically
from tfrecords.tables import Console, Table

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


def project(options: ProjectOptions) -> None:
    """Print bytes and times of larger machines, and what their input must deliver."""
    preset = find_preset(options.preset)
    work = projection.Workload(
        preset, options.gpu_batch, options.gpu_rate, options.dtype
    )
    print(f"Assumed, nothing measured: {_plain(options)}")
    sent = list(_bytes_sent(preset, options.gpu_batch))
    _print_bytes(sent, options.gpu_batch)
    rows = [row for place in MACHINES for row in _projected(work, place, options)]
    _print_projected(rows, f"{options.gpu_batch} images a GPU")
    fixed = []
    for machines, gpus in MACHINES:
        if PAPER_BATCH % (machines * gpus) == 0:
            share = PAPER_BATCH // (machines * gpus)
            own = _work(preset, share, options)
            fixed += list(_projected(own, (machines, gpus), options))
    _print_projected(fixed, f"{PAPER_BATCH} images on all GPUs together")
    need = projection.input_need(
        8 * options.gpu_rate,
        options.core_rate,
        options.picture_bytes,
        preset.input_size,
    )
    table = Table("input of 8 GPUs at full rate", "a second")
    table.add_row("pictures", f"{need.images_per_second:,.0f}")
    table.add_row("cores, nothing else on them", f"{need.cores:.1f}")
    table.add_row("from disk", f"{need.disk / MB:,.0f} MB")
    table.add_row("to the GPUs, uint8", f"{need.host_to_gpu / GB:.1f} GB")
    Console().print(table)
    document = {
        "assumed": _plain(options),
        "bytes": sent,
        "same_batch_a_gpu": rows,
        "same_batch": fixed,
        "input_of_8_gpus": asdict(need),
    }
    if options.json:
        text = json.dumps(document, indent=1) + "\n"
        write_atomically(options.json, text.encode())


def _work(preset: Preset, own: int, options: ProjectOptions) -> projection.Workload:
    """Return the work of a GPU that has so many images in a step."""
    return projection.Workload(preset, own, options.gpu_rate, options.dtype)


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


def _plain(options: Any) -> dict[str, Any]:
    return {
        name: value
        for name, value in asdict(options).items()
        if not isinstance(value, Path) and value is not None
    }


if __name__ == "__main__":
    project(tyro.cli(ProjectOptions, description=__doc__))
