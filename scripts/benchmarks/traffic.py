#!/usr/bin/env python
"""Count the bytes that data parallel training sends, beside the formula.

    python scripts/benchmarks/traffic.py --json traffic.json

Trains the network on noise in groups of processes on 127.0.0.1, counts what passes the
loopback interface in a step, and compares it with the formula. Where Linux allows it
the group has a network namespace, and so a loopback, of its own; elsewhere other
programs are counted too, and what passes between the steps is subtracted.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.benchmark.traffic import data_parallel_bytes, share_of_batch
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks.traffic_replica import ReplicaProcesses
from tfrecords.errors import UserError

MB = 1e6
PROGRAM = "scripts.benchmarks.traffic_replica"
OWN_LOOPBACK = "KERAS_ALEXNET_OWN_LOOPBACK"
COUNTERS = Path("/proc/net/dev")
SENT_FIELD = 8  # of the numbers behind the name of an interface: bytes transmitted


@dataclass(frozen=True)
class TrafficOptions(MeasureOptions):
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


@dataclass(frozen=True)
class Trained:
    """A job and what it did; medians over the measurements, a step each."""

    kind: str  # strategy, as `alexnet train --strategy`
    replicas: int  # of the whole job
    batch_size: int  # images a replica in a step
    # Bytes over the loopback interface, what passes anyway subtracted, in order; ()
    # before it was measured, as of the others.
    sent: tuple[float, ...] = ()
    processor: float = 0.0  # seconds of processor time of all processes together
    wall: float = 0.0  # seconds by the clock, of the slowest process

    @property
    def processes(self) -> int:
        """How many processes make up the job."""
        return self.replicas if self.kind == "multiworker" else 1

    @property
    def title(self) -> str:
        """Say what it is."""
        return f"{self.kind} {self.replicas} x {self.batch_size} images"


def measure(options: TrafficOptions) -> Record:
    """Measure one device, towers and replicas on logical CPUs, groups of processes.

    Raises:
        SystemFailure: A process failed or was late; its log says why.
        ValueError: The batch does not divide.
    """
    jobs = list(jobs_of(options))
    own = enter_own_loopback([sys.executable, *sys.argv])
    measured = []
    with tempfile.TemporaryDirectory() as scratch:
        for job in jobs:
            print(job.title, flush=True)
            measured.append(train(job, options.logs or Path(scratch), options))
    preset = find_preset(options.preset).replace(**_sizes(options))
    notes = ["A loopback of its own." if own else "Others use the loopback too."]
    figures = figures_of(measured, preset, options.num_classes)
    title = "Bytes over the loopback in a step of data parallel training"
    return Record.now("devices", title, figures, notes, asdict(options))


def jobs_of(options: TrafficOptions) -> list[Trained]:
    """Return what is trained; a single device too for each size of batch."""
    whole, sizes = options.batch_size, options.processes
    shares = {count: share_of_batch(whole, count) for count in sizes}
    alone = sorted({whole, *shares.values()}, reverse=True)
    return [
        *(Trained("multiworker", count, share) for count, share in shares.items()),
        *(Trained("none", 1, share) for share in alone),
        *(Trained("mirrored", count, share) for count, share in shares.items()),
        Trained("towers", 1, whole),
    ]


def _sizes(options: TrafficOptions) -> dict[str, int]:
    return {"units": options.units, "input_size": options.input_size}


def train(job: Trained, logs: Path, options: TrafficOptions) -> Trained:
    """Count bytes and seconds of a job's steps.

    Every process waits between the measurements, so that all bytes of a step are
    counted and none of the next.
    """
    folder = logs / f"{job.kind}-{job.replicas}x{job.batch_size}"
    folder.mkdir(parents=True, exist_ok=True)
    told = {"preset": options.preset, "classes": options.num_classes}
    told |= {"overrides": _sizes(options), "calls": options.steps}
    told |= {name: getattr(job, name) for name in ("kind", "replicas", "batch_size")}
    started = (PROGRAM, told, job.processes, folder, options.timeout)
    sent, processor, wall = [], [], []
    with ReplicaProcesses(*started) as group:
        before, begin = _count(), time.perf_counter()
        time.sleep(options.idle)
        rate = (_count() - before) / (time.perf_counter() - begin)
        for _ in range(options.windows):
            before, begin = _count(), time.perf_counter()
            spent = group.train()
            waiting = rate * (time.perf_counter() - begin)
            sent.append((_count() - before - waiting) / options.steps)
            processor.append(sum(own["processor"] for own in spent) / options.steps)
            wall.append(max(own["seconds"] for own in spent) / options.steps)
    medians = {"processor": median(processor), "wall": median(wall)}
    return replace(job, sent=tuple(sorted(sent)), **medians)


def figures_of(
    measured: Sequence[Trained], preset: Preset, classes: int
) -> Iterator[Figure]:
    """Yield bytes beside the formula, and seconds beside as many separate replicas."""
    alone = {job.batch_size: job.processor for job in measured if job.kind == "none"}
    for job in measured:
        expected = sum(data_parallel_bytes(preset, job.processes, classes).values())
        sent = median(job.sent)
        said = f"{job.sent[0] / MB:.2f} to {job.sent[-1] / MB:.2f}"
        if expected:
            said += f"; formula {expected / MB:.2f} MB, ratio {sent / expected:.4f}"
        yield Figure(f"{job.title}: sent", sent / MB, "MB", said)
        more = job.processor - job.replicas * alone[job.batch_size]
        said = f"{more:+.2f} s over separate replicas, {job.wall:.2f} s by the clock"
        yield Figure(f"{job.title}: processor time", job.processor, "s", said)


def enter_own_loopback(command: list[str]) -> bool:
    """Run a command again in a network namespace of its own, where that is allowed.

    Returns:
        True within that namespace. False where there can be none: then the counters are
        those of the whole machine. Otherwise it does not return.
    """
    if os.environ.get(OWN_LOOPBACK):
        return True
    if not shutil.which("unshare") or not shutil.which("ip"):
        return False
    enter = ["unshare", "--net", *(["--map-root-user"] if os.geteuid() else [])]
    enter += ["sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
    trial = subprocess.run([*enter, "true"], capture_output=True, check=False)
    if trial.returncode:
        return False
    os.execvpe(enter[0], [*enter, *command], {**os.environ, OWN_LOOPBACK: "1"})


def loopback_bytes(counters: str) -> int:
    """Return the bytes that `lo` has sent, from the text of /proc/net/dev.

    What it sends it receives; each byte is counted once here.

    Raises:
        UserError: There is no `lo` in it.
    """
    for line in counters.splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[SENT_FIELD])
    raise UserError(
        f"Expected an interface lo in {COUNTERS}, found none. Measure on Linux."
    )


def _count() -> int:
    return loopback_bytes(COUNTERS.read_text())


if __name__ == "__main__":
    run_as_script(measure)
