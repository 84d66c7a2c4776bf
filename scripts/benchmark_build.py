"""Measure `alexnet build` beside other people's ways to TFRecords.

    python scripts/benchmark_build.py SOURCE OUT_DIR [--json FILE] [--markdown FILE]

Every contender runs as a command of its own, in turn, over the same class/picture
tree, and must write one record for each picture. Each runs twice a round: over a few
pictures, which is mostly starting (TensorFlow alone takes seconds to import), and over
all. So there are two rates: of the whole command, and of each further picture
(`working`: the difference in pictures over the difference in seconds). Ratios are
medians over the rounds of ratios within a round. Then memory is measured on 1 x and
10 x as many pictures.
"""

import json
import os
import platform
import shutil
import signal
import struct
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import tyro
from build_report import RIVALS, markdown, print_report, rates, ratios
from picture_trees import copy_pictures, describe, link_tree, scale_pictures
from process_tree import Usage, measure

from keras_alexnet.benchmark.machine import machine
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.images.store import codec_versions

START_PICTURES = 64  # a process; as many as the plan thinks worth a shard
_PACKAGES = "keras-alexnet tensorflow tensorflow-datasets pillow numpy".split()

Command = Callable[[Path, Path], list[str]]


@dataclass(frozen=True)
class Options:
    """Measure `alexnet build` beside other people's ways to TFRecords."""

    source: tyro.conf.Positional[str]
    """What `alexnet build` reads; its pictures are copied to OUT_DIR first."""
    out_dir: tyro.conf.Positional[Path]
    """Folder for what is built, on the disk to be measured; left as it was."""
    rounds: int = 2
    """Measurements of each contender, in turn."""
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
    json: Path | None = None
    """Write every figure to this file."""
    markdown: Path | None = None
    """Write the tables to this file."""


def main() -> int:
    """Measure, print the tables and write the files that were asked for."""
    options = tyro.cli(Options, description=__doc__)
    try:
        document = benchmark(options)
    except (DatasetError, RuntimeError, OSError) as error:
        print(f"benchmark_build: {error}", file=sys.stderr)
        return 1
    print_report(document)
    if options.json:
        text = json.dumps(document, indent=1) + "\n"
        write_atomically(options.json, text.encode())
    if options.markdown:
        write_atomically(options.markdown, markdown(document).encode())
    return 0


def benchmark(options: Options) -> dict[str, Any]:
    """Measure all and return the document that --json writes."""
    if options.processes < 2 or options.rounds < 1:
        raise DatasetError("Expected at least 2 processes and 1 round.")
    options.out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.out_dir) as scratch:
        folder = Path(scratch)
        pictures = copy_pictures(options.source, folder / "pictures", options.limit)
        fewest = 2 * START_PICTURES * options.processes
        if len(pictures) < fewest:
            raise DatasetError(
                f"Expected at least {fewest} pictures, {options.source} with this "
                f"--limit gives {len(pictures)}."
            )
        if options.pixels:
            pictures = scale_pictures(pictures, options.pixels, folder / "scaled")
        document = {
            "command": _command(),
            "machine": machine(),
            "versions": versions(),
            "source": describe(pictures),
            "processes": options.processes,
        }
        document |= _measure_builds(options, pictures, folder)
        if options.memory_pictures != 0:
            document["memory"] = _measure_memory(options, pictures, folder)
        return document


def contenders(processes: int) -> dict[str, tuple[str, Command]]:
    """Name the contenders: what each is, and its command for a tree and a folder."""
    rival = str(Path(__file__).with_name("rival_builds.py"))

    def others(name: str) -> Command:
        return lambda tree, out: [sys.executable, rival, name, str(tree), str(out)]

    ours: dict[str, tuple[str, Command]] = {
        f"alexnet-{count}": (
            f"alexnet build --processes {count}, statistics and hashes included",
            _ours(count),
        )
        for count in (1, processes)
    }
    return ours | {name: (text, others(name)) for name, text in RIVALS.items()}


def _ours(processes: int) -> Command:
    def command(tree: Path, out: Path) -> list[str]:
        program = [sys.executable, "-m", "keras_alexnet", "build", str(tree), str(out)]
        return [*program, "--processes", str(processes), "--validation-fraction", "0"]

    return command


def _measure_builds(options: Options, pictures, folder: Path) -> dict[str, Any]:
    few = START_PICTURES * options.processes
    start = [pictures[i * len(pictures) // few] for i in range(few)]
    trees = {
        "start": (link_tree(start, folder / "start"), few),
        "whole": (link_tree(pictures, folder / "whole"), len(pictures)),
    }
    builds: dict[str, Any] = {}
    for _ in range(options.rounds):
        for name, (text, command) in contenders(options.processes).items():
            build = builds.setdefault(name, {"what": text, "start": [], "whole": []})
            for form, (tree, count) in trees.items():
                usage, written = _run(command, tree, count, folder)
                row = {**vars(usage), "bytes_written": written, "pictures": count}
                build[form].append(row)
                _say(f"{name}: {count} pictures in {usage.wall_seconds:.1f} s")
            last = rates(build["start"][-1], build["whole"][-1])
            build.setdefault("rounds", []).append(last)
    return {"builds": builds, "ratios": ratios(builds, options.processes)}


def _measure_memory(options: Options, pictures, folder: Path) -> dict[str, Any]:
    few = options.memory_pictures or len(pictures)
    pictures = pictures[:few] if few < len(pictures) else pictures
    found: dict[str, Any] = {"processes": options.processes, "runs": []}
    for factor in (1, options.memory_factor):
        tree = link_tree(pictures, folder / f"memory_{factor}", factor)
        count = factor * len(pictures)
        usage, _ = _run(_ours(options.processes), tree, count, folder)
        found["runs"].append({**vars(usage), "pictures": count})
        _say(f"memory, {count} pictures: {usage.peak_bytes / 1e6:,.0f} MB")
        shutil.rmtree(tree)
    small, large = (run["peak_bytes"] for run in found["runs"])
    return found | {"ratio": large / small}


def _run(command: Command, tree: Path, count: int, folder: Path) -> tuple[Usage, int]:
    """Run a contender, prove that every picture was written, and clear away."""
    out = folder / "out"
    usage = measure(command(tree, out), folder / "log.txt")
    shards = [path for path in out.rglob("*tfrecord*") if path.is_file()]
    records = sum(count_records(path) for path in shards)
    if records != count:
        raise RuntimeError(
            f"{' '.join(command(tree, out))} wrote {records} records of {count} "
            "pictures, so its time says nothing. Leave unreadable pictures out."
        )
    written = sum(path.stat().st_size for path in shards)
    shutil.rmtree(out)
    return usage, written


def count_records(path: Path) -> int:
    """Count the records of a TFRecord file by their lengths."""
    count = 0
    with open(path, "rb") as file:
        while header := file.read(12):  # length and its checksum
            file.seek(struct.unpack("<Q", header[:8])[0] + 4, os.SEEK_CUR)
            count += 1
    return count


def versions() -> dict[str, str]:
    """Name the releases of everything that the figures depend on."""
    found = {name: metadata.version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **found, **codec_versions()}


def _command() -> str:
    # Paths say nothing to a reader elsewhere, so only their last parts are kept.
    words = [Path(word).name if "/" in word else word for word in sys.argv]
    return " ".join(["python", f"scripts/{words[0]}", *words[1:]])


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    # As Ctrl-C does: what is running is ended, what was written is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    raise SystemExit(main())
