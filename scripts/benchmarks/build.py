#!/usr/bin/env python
"""Measure `alexnet build` beside other people's ways to TFRecords.

    python scripts/benchmarks/build.py SOURCE OUT_DIR [--json FILE]

Every system runs as a command of its own, in turn, over the same class/picture tree,
and must write one record for each picture. Each runs twice a round: over a few
pictures, which is mostly starting (TensorFlow alone takes seconds to import), and over
all. So there are two rates: of the whole command, and of each further picture
(`working`: the difference in pictures over the difference in seconds). Ratios are
medians over the rounds of ratios within a round. Then memory is measured on 1 x and
10 x as many pictures.
"""

import os
import shutil
import struct
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import tyro

from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks.build_peers import PEERS
from scripts.benchmarks.pictures import (
    Picture,
    copy_pictures,
    describe,
    link_tree,
    scale_pictures,
)
from scripts.benchmarks.process_memory import Usage, measure_command
from tfrecords.errors import UserError
from tfrecords.images.store import codec_versions
from tfrecords.plain_text import say
from tfrecords.ranges import check_count

START_PICTURES = 64  # a process; as many as the plan thinks worth a shard


@dataclass(frozen=True)
class BuildMeasureOptions(MeasureOptions):
    """Measure `alexnet build` beside other people's ways to TFRecords."""

    source: tyro.conf.Positional[str]
    """What `alexnet build` reads; its pictures are copied to OUT_DIR first."""
    out_dir: tyro.conf.Positional[Path]
    """Folder for what is built, on the disk to be measured; left as it was."""
    rounds: int = 2
    """Measurements of each system, in turn."""
    processes: int = 2
    """Worker processes of our parallel build."""
    limit: int | None = None
    """Pictures to take, spread evenly; None: all."""
    pixels: int | None = None
    """Scale the pictures to so many pixels first; None: as they are."""
    memory_pictures: int | None = None
    """Pictures of the smaller memory measurement; None: all, 0: leave it out."""
    memory_factor: int = 10
    """How many times as many the larger one has."""


@dataclass(frozen=True)
class Built:
    """One run of a system: what it took, and how much it wrote."""

    usage: Usage
    pictures: int
    bytes_written: int = 0


@dataclass(frozen=True)
class Round:
    """A system's two runs of a round: over a few pictures, and over all.

    Rates are in images/s; those of each further picture (`working`) are None where more
    pictures took no longer: there were too few to tell from noise.
    """

    start: Built
    whole: Built

    @property
    def rate(self) -> float:
        """Of the whole command."""
        return self.whole.pictures / self.whole.usage.wall_seconds

    @property
    def core_rate(self) -> float:
        """Of the whole command, per second of one core's time."""
        return self.whole.pictures / self.whole.usage.processor_seconds

    @property
    def working_rate(self) -> float | None:
        """Of each further picture."""
        return self._working("wall_seconds")

    @property
    def working_core_rate(self) -> float | None:
        """Of each further picture, per second of one core's time."""
        return self._working("processor_seconds")

    def _working(self, seconds: str) -> float | None:
        more = getattr(self.whole.usage, seconds) - getattr(self.start.usage, seconds)
        pictures = self.whole.pictures - self.start.pictures
        return pictures / more if more > 0 else None


Rounds = Mapping[str, list[Round]]


def measure(options: BuildMeasureOptions) -> Record:
    """Measure all builds.

    Raises:
        UserError: Too few pictures, or an option is wrong.
        RuntimeError: A build failed, or wrote other than a record for each picture.
    """
    options.check_counts("rounds")
    check_count("processes", options.processes, 2)
    options.out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.out_dir) as scratch:
        folder = Path(scratch)
        pictures = copy_pictures(options.source, folder / "pictures", options.limit)
        fewest = 2 * START_PICTURES * options.processes
        if len(pictures) < fewest:
            raise UserError(
                f"Expected at least {fewest} pictures, {options.source} with this "
                f"--limit gives {len(pictures)}."
            )
        if options.pixels:
            pictures = scale_pictures(pictures, options.pixels, folder / "scaled")
        figures = list(figures_of(_rounds(options, pictures, folder)))
        if options.memory_pictures != 0:
            figures += _memory(options, pictures, folder)
        facts = describe(pictures)
    notes = [
        f"{facts['pictures']:,} pictures of {facts['classes']} classes, "
        f"{facts['mean_pixels']:,.0f} pixels and {facts['mean_bytes'] / 1e3:.1f} kB.",
        ", ".join(f"{name} {release}" for name, release in codec_versions().items()),
    ]
    return Record.now("build", "Building shards", figures, notes, asdict(options))


def systems(processes: int) -> dict[str, list[str]]:
    """Return the command of each system, without the tree and the folder to write."""
    ours = [sys.executable, "-m", "keras_alexnet", "build", "--validation-fraction=0"]
    peer = [sys.executable, str(Path(__file__).with_name("build_peers.py"))]
    counts = {f"alexnet-{count}": count for count in (1, processes)}
    found = {name: [*ours, f"--processes={count}"] for name, count in counts.items()}
    return found | {name: [*peer, name] for name in PEERS}


def _rounds(
    options: BuildMeasureOptions, pictures: list[Picture], folder: Path
) -> Rounds:
    few = START_PICTURES * options.processes
    start = [pictures[i * len(pictures) // few] for i in range(few)]
    trees = {
        link_tree(start, folder / "start"): few,
        link_tree(pictures, folder / "whole"): len(pictures),
    }
    commands = systems(options.processes)
    rounds: dict[str, list[Round]] = {name: [] for name in commands}
    for _ in range(options.rounds):
        for name, command in commands.items():
            runs = [_run(command, *tree, folder) for tree in trees.items()]
            rounds[name].append(Round(*runs))
            say(
                f"{name}: {runs[1].pictures} in {runs[1].usage.wall_seconds:.1f} s",
                error=True,
            )
    return rounds


def _memory(
    options: BuildMeasureOptions, pictures: list[Picture], folder: Path
) -> Iterator[Figure]:
    pictures = pictures[: options.memory_pictures]
    smaller = None
    for factor in (1, options.memory_factor):
        tree = link_tree(pictures, folder / f"memory_{factor}", factor)
        count = factor * len(pictures)
        command = systems(options.processes)[f"alexnet-{options.processes}"]
        usage = _run(command, tree, count, folder).usage
        shutil.rmtree(tree)
        smaller = smaller or usage.peak_bytes
        parts = " ".join(f"{part / 1e6:,.0f}" for part in usage.peak_processes)
        said = f"{usage.memory_kind}, {usage.peak_bytes / smaller:.3f} of the smaller; "
        said += f"parent and others {parts}"
        say(f"memory, {count} pictures: {usage.peak_bytes / 1e6:,.0f} MB", error=True)
        name = f"memory, {count:,} pictures, {options.processes} processes"
        yield Figure(name, usage.peak_bytes / 1e6, "MB", said)


def _run(command: list[str], tree: Path, count: int, folder: Path) -> Built:
    """Run a system, prove that every picture was written, and clear away."""
    out = folder / "out"
    usage = measure_command([*command, str(tree), str(out)], folder / "log.txt")
    shards = [path for path in out.rglob("*tfrecord*") if path.is_file()]
    records = sum(count_records(path) for path in shards)
    if records != count:
        raise RuntimeError(
            f"{' '.join(command)} wrote {records} records of {count} "
            "pictures, so its time says nothing. Leave unreadable pictures out."
        )
    written = sum(path.stat().st_size for path in shards)
    shutil.rmtree(out)
    return Built(usage, count, written)


def count_records(path: Path) -> int:
    """Count the records of a TFRecord file by their lengths."""
    count = 0
    with open(path, "rb") as file:
        while header := file.read(12):  # length and its checksum
            file.seek(struct.unpack("<Q", header[:8])[0] + 4, os.SEEK_CUR)
            count += 1
    return count


def figures_of(rounds: Rounds) -> Iterator[Figure]:
    """Yield the rate of each system, and ratios within the rounds."""
    for name, own in rounds.items():
        whole = own[0].whole
        usages = [each.whole.usage for each in own]
        working, core = (
            _text(_median(getattr(each, rate) for each in own), ".0f")
            for rate in ("working_rate", "working_core_rate")
        )
        said = (
            f"working {working}, per core-second {core}; "
            f"{median(usage.wall_seconds for usage in usages):.1f} s, "
            f"processor {median(usage.processor_seconds for usage in usages):.1f} s, "
            f"peak {median(usage.peak_bytes for usage in usages) / 1e6:,.0f} MB, "
            f"{whole.bytes_written / whole.pictures / 1e3:.1f} kB a picture"
        )
        yield Figure(name, median(each.rate for each in own), "images/s", said)
    one, many = list(rounds)[:2]
    yield _ratio(f"{many} over {one}", rounds[many], rounds[one], "rate")
    for name in PEERS:
        ours = rounds[one]
        yield _ratio(f"{one} over {name}, per core", ours, rounds[name], "core_rate")


def _ratio(name: str, own: list[Round], other: list[Round], rate: str) -> Figure:
    def ratios(rate: str) -> Iterator[float | None]:
        for a, b in zip(own, other, strict=True):
            x, y = getattr(a, rate), getattr(b, rate)
            yield x / y if x and y else None

    whole = _text(_median(ratios(rate)), ".2f")
    working = _median(ratios(f"working_{rate}"))
    return Figure(name, working, "x", f"while working; {whole} x for the whole command")


def _median(values: Iterator[float | None]) -> float | None:
    known = list(values)
    return None if None in known else median(known)


def _text(value: float | None, form: str) -> str:
    return "unknown" if value is None else format(value, form)


if __name__ == "__main__":
    run_as_script(measure)
