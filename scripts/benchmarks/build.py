#!/usr/bin/env python
"""Measure `alexnet build` beside other people's ways to TFRecords.

    python scripts/benchmarks/build.py SOURCE OUT_DIR [--json FILE]

Every system runs as a command of its own, in turn, over the same class/picture tree.
Each runs twice a round: over a few pictures, which is mostly starting, and over all. So
there are two rates: of the whole command, and of each further picture (`working`).
Ratios are medians over the rounds of ratios within a round. Then memory is measured, on
1 x and 10 x as many pictures.
"""

import math
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import tensorflow as tf
import tyro

from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks import pictures as trees
from scripts.benchmarks.build_peers import PEERS
from scripts.benchmarks.process_memory import Usage, measure_command
from tfrecords.errors import UserError
from tfrecords.images.store import codec_versions
from tfrecords.plain_text import say
from tfrecords.ranges import check_count

START_PICTURES = 64  # a process; as many as the plan thinks worth a shard
MEMORY_FACTORS = (1, 10)
# Of the command or of each further picture; by the clock or by all cores' time.
RATES = {
    "whole build": (False, "wall_seconds"),
    "whole build, a core-second": (False, "processor_seconds"),
    "working": (True, "wall_seconds"),
    "working, a core-second": (True, "processor_seconds"),
}
# System -> its runs over few and over all pictures, in each round.
Rounds = dict[str, list[list["Built"]]]
BUILD = [sys.executable, "-m", "keras_alexnet", "build", "--validation-fraction=0"]
PEER = [sys.executable, str(Path(__file__).with_name("build_peers.py"))]


@dataclass(frozen=True)
class BuildMeasureOptions(MeasureOptions):
    """Measure `alexnet build` beside other people's ways to TFRecords."""

    source: tyro.conf.Positional[str]  # what `alexnet build` reads
    out_dir: tyro.conf.Positional[Path]  # on the disk to be measured; left as it was
    rounds: int = 2  # measurements of each system, in turn
    processes: int = 2  # workers of our parallel build
    limit: int | None = None  # pictures to take, spread evenly; None: all
    pixels: int | None = None  # scale the pictures to so many; None: as they are
    memory_pictures: int | None = None  # of the smaller memory measurement; None: all


class Built(NamedTuple):
    """One run of a system: what it took, and how much it wrote."""

    usage: Usage
    pictures: int
    bytes_written: int = 0


def rate(start: Built, whole: Built, working: bool, seconds: str) -> float:
    """Return images/s of a run over all pictures, or of each picture beyond the few.

    NaN where more pictures took no longer: too few to tell from noise.

    Args:
        start: The run over few.
        whole: The run over all.
        working: Leave out what the few took.
        seconds: `wall_seconds`, or `processor_seconds` of all cores together.
    """
    spent, pictures = getattr(whole.usage, seconds), whole.pictures
    if working:
        spent -= getattr(start.usage, seconds)
        pictures -= start.pictures
    return pictures / spent if spent > 0 else math.nan


def measure(options: BuildMeasureOptions) -> Record:
    """Measure all builds.

    Raises:
        UserError: Too few pictures, or an option is wrong.
        RuntimeError: A build failed, or wrote other than a record for each picture.
    """
    check_count("processes", options.processes, 2)
    options.out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.out_dir) as scratch:
        folder, fewest = Path(scratch), 2 * START_PICTURES * options.processes
        found = trees.copy_pictures(options.source, folder / "found", options.limit)
        if len(found) < fewest:
            raise UserError(
                f"Expected at least {fewest} pictures, {options.source} with this "
                f"--limit gives {len(found)}."
            )
        if options.pixels:
            found = trees.scale_pictures(found, options.pixels, folder / "scaled")
        figures = [*figures_of(_rounds(options, found, folder))]
        figures += _memory(options, found[: options.memory_pictures], folder)
        facts = trees.describe(found)
    notes = [
        f"{facts['pictures']:,} pictures of {facts['classes']} classes, "
        f"{facts['mean_pixels']:,.0f} pixels and {facts['mean_bytes'] / 1e3:.1f} kB.",
        ", ".join(f"{name} {release}" for name, release in codec_versions().items()),
    ]
    return Record.now("build", "Building shards", figures, notes, asdict(options))


def systems(processes: int) -> dict[str, list[str]]:
    """Return the command of each system, without the tree and the folder to write."""
    counts = (1, processes)
    ours = {f"alexnet-{count}": [*BUILD, f"--processes={count}"] for count in counts}
    return ours | {name: [*PEER, name] for name in PEERS}


def _rounds(options: BuildMeasureOptions, pictures: list[Path], folder: Path) -> Rounds:
    few = START_PICTURES * options.processes
    start = [pictures[i * len(pictures) // few] for i in range(few)]
    roots = [trees.link_tree(start, folder / "start")]
    roots += [trees.link_tree(pictures, folder / "whole")]
    commands = systems(options.processes)
    rounds: Rounds = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            rounds[name].append([_run(command, root, folder) for root in roots])
            say(f"{name}: {rounds[name][-1][1].usage.wall_seconds:.1f} s", error=True)
    return rounds


def _memory(
    options: BuildMeasureOptions, pictures: list[Path], folder: Path
) -> Iterator[Figure]:
    command = systems(options.processes)[f"alexnet-{options.processes}"]
    for factor in MEMORY_FACTORS:
        tree = trees.link_tree(pictures, folder / f"memory_{factor}", factor)
        usage, count, _ = _run(command, tree, folder)
        shutil.rmtree(tree)
        parts = " ".join(f"{part / 1e6:,.0f}" for part in usage.peak_processes)
        name = f"memory, {count:,} pictures, {options.processes} processes"
        yield Figure(name, usage.peak_bytes / 1e6, "MB", f"parent and others {parts}")


def _run(command: list[str], tree: Path, folder: Path) -> Built:
    """Run a system, prove that every picture was written, and clear away."""
    out, count = folder / "out", len([*tree.glob("*/*")])
    usage = measure_command([*command, str(tree), str(out)], folder / "log.txt")
    shards = [path for path in out.rglob("*tfrecord*") if path.is_file()]
    records = sum(1 for _ in tf.data.TFRecordDataset([*map(str, shards)]))
    if records != count:
        raise RuntimeError(
            f"{' '.join(command)} wrote {records} records of {count} "
            "pictures, so its time says nothing. Leave unreadable pictures out."
        )
    written = sum(path.stat().st_size for path in shards)
    shutil.rmtree(out)
    return Built(usage, count, written)


def figures_of(rounds: Rounds) -> Iterator[Figure]:
    """Yield the rates of each system, and ratios within the rounds."""
    for name, own in rounds.items():
        for part, which in RATES.items():
            yield _figure(f"{name}: {part}", [rate(*r, *which) for r in own])
        peak = median(whole.usage.peak_bytes for _, whole in own)
        (_, whole), *_ = own
        said = f"{whole.bytes_written / whole.pictures / 1e3:.1f} kB a picture stored"
        yield Figure(f"{name}: peak memory", peak / 1e6, "MB", said)
    one, many = [*rounds][:2]
    pairs = [(many, one, "wall_seconds")]
    pairs += [(one, peer, "processor_seconds") for peer in PEERS]
    for a, b, seconds in pairs:
        for part, which in RATES.items():
            if which[1] == seconds:
                both = zip(rounds[a], rounds[b], strict=True)
                ratios = [rate(*x, *which) / rate(*y, *which) for x, y in both]
                yield _figure(f"{a} over {b}, {part}", ratios, "x")


def _figure(name: str, values: list[float], unit: str = "images/s") -> Figure:
    known = not any(map(math.isnan, values))
    return Figure(name, median(values) if known else None, unit)


if __name__ == "__main__":
    run_as_script(measure)
