"""Kills builds at random moments, resumes them, and compares the bytes.

    python scripts/kill_build.py SOURCE --runs 20 --seed 0

One build goes undisturbed. Each run then builds the same in a folder of its own, is
killed (kill -9) once or several times, in turn a worker, the parent or the whole
process group, and is resumed until it has finished. Every file must have the SHA-256
of the undisturbed build's, no other file may be there, and no shard that had been
finished at a kill may have been written again. Exit status 1 if any of it fails.
"""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import psutil
import tyro

from tfrecords.tables import Console, Table

TARGETS = ("worker", "parent", "group")
MOST_KILLS = 3
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Options:
    """Kill builds at random moments and prove that nothing is lost or changed."""

    source: tyro.conf.Positional[str] = "digits"
    """What to build from; see `alexnet build`."""
    runs: int = 20
    """Builds to disturb."""
    seed: int = 0
    """Of the moments and of the workers that are killed."""
    processes: int = 2
    """Worker processes of each build; at least 2, or there is no worker to kill."""
    build_options: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE")] = ()
    """Further options of `alexnet build`, such as limit=2000 shards=8."""
    json: Path | None = None
    """File for the figures."""


@dataclass(frozen=True)
class Whole:
    """The undisturbed build: how long it wrote, its shards, its files' SHA-256."""

    seconds: float
    shards: int
    digests: dict[str, str]


@dataclass
class Run:
    """What came of one disturbed build.

    Attributes:
        target: what was killed: `worker`, `parent` or `group`.
        moments: of the kills: so many shards were finished, and so long before.
        starts: how often the build was started.
        finished: shards that were finished at some kill.
        redone: shards finished at some kill and yet written again; must be 0.
        differences: files that are missing, different or left over; must be none.
    """

    target: str
    moments: list[str]
    starts: int
    finished: int
    redone: int
    differences: list[str]

    @property
    def ok(self) -> bool:
        """Whether nothing was lost or changed."""
        return not self.redone and not self.differences


class Build:
    """One start of the build command in a process group of its own."""

    def __init__(self, options: Options, out: Path):
        self.out = out
        extra = [f"--{option}" for option in options.build_options]
        command = [sys.executable, "-m", "keras_alexnet", "build", options.source]
        arguments = [str(out), "--processes", str(options.processes), *extra]
        self._log = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [*command, *arguments],
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )

    def __enter__(self) -> "Build":
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()

    def wait_for_files(self) -> bool:
        """Wait until the build has claimed its folder; False if it has ended."""
        before = _claimed_at(self.out)
        while self._process.poll() is None:
            if _claimed_at(self.out) != before:
                return True
            time.sleep(POLL_SECONDS)
        return False

    def wait_for_shards(self, number: int) -> bool:
        """Wait until so many shards are finished; False if the build has ended."""
        while len(finished_shards(self.out)) < number:
            if self.ends_within(POLL_SECONDS):
                return False
        return True

    def ends_within(self, seconds: float) -> bool:
        """Wait; tell whether the build has ended by itself."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self, target: str, generator: random.Random) -> bool:
        """Send SIGKILL; False if there was nothing to kill."""
        if target == "group":
            os.killpg(self._process.pid, signal.SIGKILL)
        elif target == "parent":
            self._process.kill()
        else:
            workers = _workers(self._process.pid)
            if not workers:
                return False
            generator.choice(workers).kill()
        return True

    def finish(self) -> int:
        """Wait for the end and return the exit status."""
        return self._process.wait()

    def output(self) -> str:
        """Read what the build has printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")


def _claimed_at(out: Path) -> int:
    try:
        return (out / ".building" / "token").stat().st_mtime_ns
    except OSError:
        return 0


def _workers(parent: int) -> list[psutil.Process]:
    try:
        children = psutil.Process(parent).children()
        return [c for c in children if "spawn_main" in " ".join(c.cmdline())]
    except psutil.Error:
        return []


def finished_shards(out: Path) -> dict[str, int]:
    """Return the inodes of finished shards; to write one again changes it."""
    found = {}
    for result in (out / ".building").glob("*.npz"):
        shard = out / result.stem
        if shard.exists():
            found[shard.name] = shard.stat().st_ino
    return found


def disturb(options: Options, out: Path, target: str, generator, whole: Whole) -> Run:
    """Build into a folder, killing on the way, until it has finished."""
    run = Run(target, [], 0, 0, 0, [])
    kills = generator.randint(1, MOST_KILLS)
    known: dict[str, int] = {}
    redone: set[str] = set()
    while True:
        run.starts += 1
        with Build(options, out) as build:
            if len(run.moments) < kills:
                known = {**_strike(build, run, kills, generator, whole), **known}
            status, output = build.finish(), build.output()
        found = {name: (out / name).stat().st_ino for name in known}
        redone |= {name for name, inode in known.items() if found[name] != inode}
        if status == 0:
            run.finished, run.redone = len(known), len(redone)
            return run
        if status != -signal.SIGKILL:
            raise SystemExit(f"A build failed by itself:\n{output}")
        known = {**finished_shards(out), **known}


def _strike(build: Build, run: Run, kills: int, generator, whole: Whole):
    # Returns what was finished at the kills. A build whose worker is killed goes on, so
    # it can be struck again.
    known: dict[str, int] = {}
    if not build.wait_for_files():
        return known
    while len(run.moments) < kills:
        shards = generator.randint(len(finished_shards(build.out)), whole.shards)
        pause = generator.uniform(0, 2 * whole.seconds / whole.shards)
        if not build.wait_for_shards(shards) or build.ends_within(pause):
            break
        known = {**finished_shards(build.out), **known}
        if build.kill(run.target, generator):
            run.moments.append(f"{shards} + {pause:.2f} s")
        if run.target != "worker":
            break
    return known


def digests(out: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a folder, hidden ones included."""
    found = {}
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        with open(path, "rb") as file:
            name = str(path.relative_to(out))
            found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def differences(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Name the files that two folders do not have in common."""
    names = sorted(expected.keys() | found.keys())
    return [name for name in names if expected.get(name) != found.get(name)]


def undisturbed(options: Options, out: Path) -> Whole:
    """Build without a kill."""
    with Build(options, out) as build:
        build.wait_for_files()
        start = time.monotonic()
        if build.finish():
            raise SystemExit(f"The undisturbed build failed:\n{build.output()}")
    seconds = time.monotonic() - start
    found = digests(out)
    return Whole(seconds, sum(".tfrecord-" in name for name in found), found)


def table(runs: list[Run]) -> Table:
    """Lay out what came of the runs."""
    result = Table(
        "run", "killed", "at shards + s", "starts", "kept", "redone", "result"
    )
    for number, run in enumerate(runs, 1):
        moments = ", ".join(run.moments)
        same = "identical" if run.ok else ", ".join(run.differences) or "redone"
        cells = [number, run.target, moments, run.starts, run.finished, run.redone]
        result.add_row(*map(str, cells), same)
    return result


def main(options: Options) -> int:
    """Run everything; return the exit status."""
    console = Console()
    runs: list[Run] = []
    with tempfile.TemporaryDirectory() as folder:
        whole = undisturbed(options, Path(folder) / "whole")
        console.print(f"Undisturbed: {whole.shards} shards in {whole.seconds:.1f} s.")
        for number in range(options.runs):
            generator = random.Random(f"{options.seed}/{number}")
            target = TARGETS[number % len(TARGETS)]
            runs.append(disturbed(options, Path(folder), target, generator, whole))
            console.print(f"run {number + 1}: {'ok' if runs[-1].ok else 'NOT OK'}")
    console.print(table(runs))
    good = sum(run.ok for run in runs)
    kills = sum(len(run.moments) for run in runs)
    console.print(f"{good} of {len(runs)} byte-identical after {kills} kills.")
    if options.json:
        document = {"command": sys.argv, "shards": whole.shards, "kills": kills}
        document["runs"] = [asdict(run) for run in runs]
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0 if good == len(runs) else 1


def disturbed(options: Options, folder: Path, target: str, generator, whole) -> Run:
    """Build in a new folder until a kill has struck, and compare the result."""
    while True:
        with tempfile.TemporaryDirectory(dir=folder) as parent:
            out = Path(parent) / "out"
            run = disturb(options, out, target, generator, whole)
            if run.moments:  # else the build was faster
                run.differences = differences(whole.digests, digests(out))
                return run


if __name__ == "__main__":
    sys.exit(main(tyro.cli(Options, description=__doc__)))
