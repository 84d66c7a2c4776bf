#!/usr/bin/env python
"""Count the bytes that data parallel training sends, beside the formula.

    python scripts/benchmarks/traffic.py --json traffic.json

Trains on noise in groups of processes on 127.0.0.1 and counts what passes the loopback
interface in a step. Where Linux allows it the group has a network namespace, and so a
loopback, of its own; what passes between the steps is subtracted.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import psutil

from keras_alexnet.benchmark.traffic import data_parallel_bytes, share_of_batch
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks.system import System
from scripts.benchmarks.traffic_replica import ReplicaProcesses
from tfrecords.plain_text import say

MB = 1e6
PROGRAM = "scripts.benchmarks.traffic_replica"
OWN_LOOPBACK = "KERAS_ALEXNET_OWN_LOOPBACK"
WINDOWS = 5  # measurements of each group
IDLE = 5.0  # seconds of counting between the steps


@dataclass(frozen=True)
class TrafficOptions(MeasureOptions):
    """Measure bytes and seconds of a step in groups of processes."""

    processes: tuple[int, ...] = (2, 4)  # sizes of the groups
    units: int = 4096  # of fc6 and fc7
    input_size: int = 224  # side of the pictures, pixels
    batch_size: int = 16  # images in a step of the whole group
    steps: int = 2  # of one measurement


class Trained(NamedTuple):
    """What a job did, a step each."""

    kind: str  # strategy, as `alexnet train --strategy`
    replicas: int  # of the whole job
    batch_size: int  # images a replica
    sent: list[float] = []  # bytes over the loopback, in order
    processor: float = 0.0  # median seconds of processor time of all processes together
    wall: float = 0.0  # median seconds by the clock, of the slowest process

    @property
    def processes(self) -> int:
        """How many processes make up the job."""
        return self.replicas if self.kind == "multiworker" else 1


def measure(options: TrafficOptions) -> Record:
    """Measure one device, towers and replicas on logical CPUs, groups of processes."""
    jobs = jobs_of(options.batch_size, options.processes)
    note = "A loopback of its own." if own_loopback() else "Others use it too."
    sizes = {"units": options.units, "input_size": options.input_size}
    with tempfile.TemporaryDirectory() as folder:
        done = [train(job, sizes, options.steps, Path(folder)) for job in jobs]
    figures = figures_of(done, find_preset("released").replace(**sizes))
    title = "Bytes over the loopback in a step of data parallel training"
    return Record.now("devices", title, figures, [note], asdict(options))


def jobs_of(whole: int, groups: tuple[int, ...]) -> list[Trained]:
    """Return what is trained; a single device too for each size of batch."""
    shares = {count: share_of_batch(whole, count) for count in groups}
    jobs = [Trained("multiworker", *share) for share in shares.items()]
    alone = sorted({whole, *shares.values()}, reverse=True)
    jobs += [Trained("none", 1, share) for share in alone]
    jobs += [Trained("mirrored", *share) for share in shares.items()]
    return [*jobs, Trained("towers", 1, whole)]


def train(job: Trained, sizes: dict[str, int], steps: int, folder: Path) -> Trained:
    """Count bytes and seconds of a job's steps.

    Every process waits between the measurements, so that all bytes of a step are
    counted and none of the next.
    """
    told = {"sizes": sizes, "steps": steps, **job._asdict()}
    say(f"{job.kind} {job.replicas} x {job.batch_size} images", error=True)
    system = System("replica", Path(sys.executable), PROGRAM, told)
    sent, processor, wall = [], [], []
    with ReplicaProcesses(system, job.processes, folder) as group:
        before = loopback_bytes()
        time.sleep(IDLE)
        idle = (loopback_bytes() - before) / IDLE
        for _ in range(WINDOWS):
            before, begin = loopback_bytes(), time.perf_counter()
            spent = group.train()
            waiting = idle * (time.perf_counter() - begin)
            sent.append((loopback_bytes() - before - waiting) / steps)
            processor.append(sum(own["processor"] for own in spent))
            wall.append(max(own["seconds"] for own in spent))
    return Trained(*job[:3], sorted(sent), median(processor), median(wall))


def figures_of(done: list[Trained], preset: Preset) -> Iterator[Figure]:
    """Yield bytes beside the formula, and seconds beside as many separate replicas."""
    alone = {job.batch_size: job.processor for job in done if job.kind == "none"}
    for job in done:
        name = f"{job.kind} {job.replicas} x {job.batch_size} images"
        expected = sum(data_parallel_bytes(preset, job.processes).values())
        sent = median(job.sent)
        said = f"{job.sent[0] / MB:.2f} to {job.sent[-1] / MB:.2f}"
        if expected:
            said += f"; formula {expected / MB:.2f} MB, ratio {sent / expected:.4f}"
        yield Figure(f"{name}: sent", sent / MB, "MB", said)
        more = job.processor - job.replicas * alone[job.batch_size]
        said = f"{more:+.2f} s over separate replicas, {job.wall:.2f} s by the clock"
        yield Figure(f"{name}: processor time", job.processor, "s", said)


def own_loopback() -> bool:
    """Run this program again in a network namespace of its own, where Linux allows it.

    Returns:
        True within that namespace, False where there can be none; else not at all.
    """
    enter = ["unshare", "--net", "--map-root-user", "sh", "-c"]
    enter += ['ip link set lo up && exec "$@"', "sh"]
    if not os.environ.get(OWN_LOOPBACK) and shutil.which("unshare"):
        if subprocess.run([*enter, "true"], capture_output=True).returncode == 0:
            again = [*enter, sys.executable, *sys.argv]
            os.execvpe(enter[0], again, {**os.environ, OWN_LOOPBACK: "1"})
    return OWN_LOOPBACK in os.environ


def loopback_bytes() -> int:
    """Return the bytes that `lo` has sent; it receives the same ones."""
    return psutil.net_io_counters(pernic=True)["lo"].bytes_sent


if __name__ == "__main__":
    run_as_script(measure)
