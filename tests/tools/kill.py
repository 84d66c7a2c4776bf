"""Kill builds or trainings at random moments, resume them, and compare the bytes.

    python -m tests.tools.kill build digits --runs 20 --kills 3 --size 64 --shards 12
    python -m tests.tools.kill train DATA --epochs 2 --save-every 4
    python -m tests.tools.kill train DATA --strategy towers --logical-devices 2
    python -m tests.tools.kill launch DATA --strategy multiworker

Options that are not listed below go to `alexnet`. One run is left alone. Each other is
killed (kill -9) at random moments and resumed until it has finished: of a build
a process, the parent or the whole process group; a training, or one of the two workers
that `alexnet launch` starts. Every file of a build, and all that a training's newest
checkpoint holds but the times, must then have the SHA-256 of the run left alone, and
nothing that was finished at a kill may have been written again. The exit status is 1
if any of it fails.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from pathlib import Path

import psutil

from keras_alexnet.record import Figure, Record
from keras_alexnet.training.state.checkpoint import list_checkpoints, newest_checkpoint
from tests.tools.forked_processes import forked
from tfrecords.dataset.names import SHARDS
from tfrecords.tables import Console

ALEXNET = [sys.executable, "-m", "keras_alexnet"]
POLL = 0.02  # seconds between two looks at a process
GOES_ON = "process"  # a build does, without the one that was killed


@dataclass(frozen=True)
class Killed:
    """What is killed: a verb of `alexnet`; its pieces are shards or checkpoints."""

    verb: str  # build, train, or launch: a training in two workers
    source: str
    options: list[str]

    def command(self, folder: Path) -> list[str]:
        """Return what starts a run or goes on with it."""
        if self.verb == "build":
            build = ["build", self.source, str(folder), "--processes", "2"]
            return [*ALEXNET, *build, *self.options]
        train = ["train", self.source, str(folder), *self.options]
        if (folder / "config.json").exists():
            train.append("--resume")
        launch = ["launch", "2", "--logs", str(folder.with_suffix(".logs")), "--"]
        return [*ALEXNET, *(launch if self.verb == "launch" else []), *train]

    def has_begun(self, folder: Path, since: int) -> bool:
        """Whether a start has taken the folder after that time in ns."""
        if self.verb != "build":
            return (folder / "config.json").exists()
        with suppress(OSError):
            return (folder / ".building" / "token").stat().st_mtime_ns > since
        return False

    def finished(self, folder: Path) -> list[Path]:
        """Return the pieces that are finished while others are not."""
        if self.verb != "build":
            return list_checkpoints(folder / "checkpoints")
        try:
            results = list((folder / ".building").glob("*.npz"))
        except FileNotFoundError:  # the build has just ended
            return []
        return [folder / path.stem for path in results if (folder / path.stem).exists()]

    def shards(self, folder: Path) -> int:
        """Return how many a build has made; a training has none."""
        return len(list(folder.glob(SHARDS))) if self.verb == "build" else 0

    def victims(self, pid: int) -> Iterator[tuple[str, Callable[[], None]]]:
        """Yield what of a start can be killed, and what kills it."""
        start = psutil.Process(pid)
        if self.verb == "train":
            yield "training", start.kill
        elif self.verb == "launch":
            for index, worker in enumerate(start.children()):
                yield f"worker {index}", worker.kill
        else:
            yield "parent", start.kill
            yield "group", partial(os.killpg, pid, signal.SIGKILL)
            for worker in forked(start):
                yield GOES_ON, worker.kill

    def result(self, folder: Path) -> dict[str, bytes]:
        """Return the SHA-256 of all that must be equal, by name."""
        if self.verb == "build":
            files = (path for path in folder.rglob("*") if path.is_file())
            return {str(p.relative_to(folder)): _digest(p.read_bytes()) for p in files}
        newest = newest_checkpoint(folder / "checkpoints")
        assert newest is not None, f"no checkpoint in {folder}"
        for row in newest.state["history"]:
            del row["seconds"]
        state = {**newest.state, "place": [newest.epoch, newest.step]}
        found = {n: _digest(json.dumps(value).encode()) for n, value in state.items()}
        for name, array in newest.arrays.items():
            facts = f"{array.dtype} {array.shape} ".encode()
            found[name] = _digest(facts + array.tobytes())
        return found


def _digest(data: bytes) -> bytes:
    return sha256(data).digest()


@dataclass
class Run:
    """What became of one run: what was killed when, and what is wrong with it."""

    kills: list[str] = field(default_factory=list)
    # Inode of each piece finished at some kill; to write it again changes it.
    kept: dict[Path, int] = field(default_factory=dict)
    wrong: set[str] = field(default_factory=set)

    def keep(self, finished: list[Path]) -> None:
        """Note what is finished, and what of before has been written again."""
        for path in [*self.kept, *finished]:
            with suppress(FileNotFoundError):  # a checkpoint makes room for another
                inode = path.stat().st_ino
                if self.kept.setdefault(path, inode) != inode:
                    self.wrong.add(f"{path.name} written again")


class Harness:
    """Kills runs, and compares them with one that is left alone."""

    def __init__(self, killed: Killed, folder: Path, seed: int) -> None:
        self.killed, self.folder, self.draw = killed, folder, random.Random(seed)
        with self._start(folder / "alone") as process:
            self._begins(process, folder / "alone")
            begun = time.monotonic()
            self._end(process)
        self.seconds = self.longest = time.monotonic() - begun
        self.shards = killed.shards(folder / "alone")
        self.expected = killed.result(folder / "alone")

    def run(self, number: int, kills: int) -> Run:
        """Kill a run so often at most, let it finish, and compare."""
        folder, run = self.folder / f"run{number:02d}", Run()
        kills = self.draw.randint(1, kills)
        while True:
            before = len(run.kills)
            with self._start(folder) as process:
                while len(run.kills) < kills and self._strike(process, folder, run):
                    pass
                whole = self._end(process, killed=len(run.kills) > before)
            run.keep(self.killed.finished(folder))
            if whole and run.kills:
                break
            if whole:  # it was faster than the one left alone
                shutil.rmtree(folder)
                run, self.longest = Run(), self.longest / 2
        pairs = self.expected.items() ^ self.killed.result(folder).items()
        run.wrong |= {name for name, _ in pairs}
        return run

    def _strike(self, process: subprocess.Popen, folder: Path, run: Run) -> bool:
        # At a random moment; tells whether the start goes on all the same.
        if not self._begins(process, folder):
            return False
        longest = self.longest
        if self.shards:  # by time alone, no kill might find one that is finished
            least = self.draw.randint(len(self.killed.finished(folder)), self.shards)
            while len(self.killed.finished(folder)) < least:
                if _ends(process, POLL):
                    return False
            longest *= 2 / self.shards
        seconds = self.draw.uniform(0, longest)
        if _ends(process, seconds):
            return False
        run.keep(self.killed.finished(folder))
        with suppress(psutil.Error):  # one has just ended
            if victims := list(self.killed.victims(process.pid)):
                name, kill = self.draw.choice(victims)
                kill()
                done = f"{least} shards and " if self.shards else ""
                run.kills.append(f"{name} after {done}{seconds:.2f} s")
                return name == GOES_ON
        return True

    @contextmanager
    def _start(self, folder: Path) -> Iterator[subprocess.Popen]:
        # In a process group that does not outlive the block.
        self.since = time.time_ns()
        with folder.with_suffix(".log").open("ab") as log:
            options = {"stdout": log, "stderr": log, "start_new_session": True}
            process = subprocess.Popen(self.killed.command(folder), **options)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def _begins(self, process: subprocess.Popen, folder: Path) -> bool:
        # Waits until it does; False if it has ended.
        while not self.killed.has_begun(folder, self.since):
            if _ends(process, POLL):
                return False
        return True

    def _end(self, process: subprocess.Popen, killed: bool = False) -> bool:
        if process.wait() and not killed:
            raise SystemExit(f"It failed by itself; see the logs in {self.folder}.")
        return process.returncode == 0


def _ends(process: subprocess.Popen, seconds: float) -> bool:
    # Waits; tells whether it has ended by itself.
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
        return True
    return False


def record_of(runs: list[Run], seconds: float, options: argparse.Namespace) -> Record:
    """Return what became of the runs."""
    equal = sum(not run.wrong for run in runs)
    figures = (
        Figure("equal in every bit, nothing written again", equal, "", f"{len(runs)}"),
        Figure("kills", sum(len(run.kills) for run in runs)),
        Figure("shards or checkpoints kept", sum(len(run.kept) for run in runs)),
        Figure("run left alone", round(seconds, 1), "s"),
    )
    notes = [f"run {n}: {', '.join(run.kills)}" for n, run in enumerate(runs, 1)]
    title = f"alexnet {options.verb}, killed at random moments and resumed"
    return Record.now("interruption", title, figures, notes, vars(options))


def main(arguments: list[str] | None = None) -> int:
    """Do it all and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("verb", choices=("build", "train", "launch"))
    parser.add_argument("source", help="pictures of a build, dataset of a training")
    parser.add_argument("--runs", type=int, default=10, help="runs to kill")
    parser.add_argument("--kills", type=int, default=1, help="kills of each, at most")
    parser.add_argument("--seed", type=int, default=0, help="of the kills")
    parser.add_argument("--json", type=Path, help="write the record to this file")
    options, passed_on = parser.parse_known_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="kill_"))
    print(f"Runs and their logs: {folder}", flush=True)
    killed = Killed(options.verb, options.source, passed_on)
    harness, runs = Harness(killed, folder, options.seed), []
    for number in range(1, options.runs + 1):
        runs.append(harness.run(number, options.kills))
        print(f"run {number}: {sorted(runs[-1].wrong) or 'equal'}", flush=True)
    record = record_of(runs, harness.seconds, options)
    Console().print(record.table())
    if options.json:
        record.save(options.json)
    if any(run.wrong for run in runs):
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
