"""Count what a group of processes sends over the loopback interface in a step."""

import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keras_alexnet.benchmark.replica import Job
from keras_alexnet.benchmark.traffic import data_parallel_bytes
from keras_alexnet.presets import find_preset
from tfrecords.errors import DatasetError

OWN_LOOPBACK = "KERAS_ALEXNET_OWN_LOOPBACK"
COUNTERS = Path("/proc/net/dev")
SENT_FIELD = 8  # of the numbers behind the name of an interface: bytes transmitted


@dataclass(frozen=True)
class TrafficFigures:
    """What one job did; medians over the measurements, a step each.

    Attributes:
        kind: Strategy, as of `Job`.
        replicas: Replicas of the job.
        batch_size: Images a replica.
        measured: Bytes over the loopback interface, what passes anyway subtracted.
        least, most: Extremes of the measurements.
        expected: Bytes by the formula of a ring all-reduce; 0 within one process.
        idle: Bytes a second while the job waited.
        processor: Seconds of processor time of all processes together.
        wall: Seconds by the clock, of the slowest process.
    """

    kind: str
    replicas: int
    batch_size: int
    measured: float
    least: float
    most: float
    expected: int
    idle: float
    processor: float
    wall: float


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
        DatasetError: There is no `lo` in it.
    """
    for line in counters.splitlines():
        name, _, numbers = line.partition(":")
        if name.strip() == "lo":
            return int(numbers.split()[SENT_FIELD])
    raise DatasetError(
        f"Expected an interface lo in {COUNTERS}, found none. Measure on Linux."
    )


class Group:
    """The processes of a job, started and stopped by `started`."""

    def __init__(self, processes: list[subprocess.Popen[str]]) -> None:
        self.processes = processes

    def answers(self) -> list[dict[str, Any]]:
        """Wait for a line of every process."""
        lines = [process.stdout.readline() for process in self.processes]  # type: ignore
        if not all(lines):
            raise DatasetError(
                f"Expected answers of {len(lines)} processes, got "
                f"{sum(map(bool, lines))}: one ended early or none was ready in time. "
                "Its log says why; more memory or a longer --timeout may help."
            )
        return [json.loads(line) for line in lines]

    def train(self, steps: int) -> list[dict[str, float]]:
        """Make steps in all processes and return the seconds of each."""
        for process in self.processes:
            process.stdin.write(f"{steps}\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        return self.answers()


@contextmanager
def started(
    command: list[str], count: int, logs: Path, timeout: float
) -> Iterator[Group]:
    """Start processes, wait until all are ready, and stop them at the end.

    Args:
        command: What each runs; it answers as `replica` does.
        count: How many. Several find each other in their `TF_CONFIG`.
        logs: Existing folder; standard error of the first goes to `0.log`.
        timeout: Seconds after which the processes are killed.

    Raises:
        DatasetError: A process ended before it was ready, or was not ready in time.
    """
    with ExitStack() as stack:
        processes: list[subprocess.Popen[str]] = []
        for place, config in enumerate(_cluster(count)):
            log = stack.enter_context(open(logs / f"{place}.log", "w"))
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env={**os.environ, **config, "CUDA_VISIBLE_DEVICES": "-1"},
            )
            # Killed: TensorFlow swallows SIGTERM in a group of workers.
            stack.callback(_end, process)
            processes.append(process)
        watch = threading.Timer(timeout, _kill, (processes,))
        watch.start()
        stack.callback(watch.cancel)
        group = Group(processes)
        group.answers()
        yield group


def measure_job(
    job: Job,
    *,
    logs: Path,
    steps: int = 2,
    windows: int = 5,
    idle: float = 5.0,
    timeout: float = 1800.0,
) -> TrafficFigures:
    """Count bytes and seconds of a job's steps.

    Every process waits between the measurements, so that all bytes of a step are
    counted and none of the next.

    Args:
        job: What to train.
        logs: Existing folder; gets one for the logs of the processes.
        steps: Steps of one measurement.
        windows: Measurements.
        idle: Seconds of counting while all processes wait.
        timeout: Seconds after which the job is stopped.

    Raises:
        DatasetError: A process failed or was late; its log says why.
    """
    own_logs = logs / f"{job.kind}-{job.replicas}x{job.batch_size}"
    own_logs.mkdir(exist_ok=True)
    argument = json.dumps(asdict(job))
    command = [sys.executable, "-m", "keras_alexnet.benchmark.replica", argument]
    with started(command, job.processes, own_logs, timeout) as group:
        before, begin = _count(), time.perf_counter()
        time.sleep(idle)
        rate = (_count() - before) / (time.perf_counter() - begin)
        sent, processor, wall = [], [], []
        for _ in range(windows):
            before, begin = _count(), time.perf_counter()
            spent = group.train(steps)
            waiting = rate * (time.perf_counter() - begin)
            sent.append((_count() - before - waiting) / steps)
            processor.append(sum(own["processor"] for own in spent) / steps)
            wall.append(max(own["wall"] for own in spent) / steps)
    preset = find_preset(job.preset).replace(**job.overrides)
    expected = data_parallel_bytes(preset, job.processes, job.num_classes)
    return TrafficFigures(
        kind=job.kind,
        replicas=job.replicas,
        batch_size=job.batch_size,
        measured=statistics.median(sent),
        least=min(sent),
        most=max(sent),
        expected=sum(expected.values()),
        idle=rate,
        processor=statistics.median(processor),
        wall=statistics.median(wall),
    )


def _count() -> int:
    return loopback_bytes(COUNTERS.read_text())


def _kill(processes: list[subprocess.Popen[str]]) -> None:
    for process in processes:
        process.kill()


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def _cluster(count: int) -> list[dict[str, str]]:
    """Return the environment of each process: addresses and its place among them."""
    if count == 1:
        return [{}]
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{free.getsockname()[1]}" for free in sockets]
    cluster = {"worker": workers}
    return [
        {
            "TF_CONFIG": json.dumps(
                {"cluster": cluster, "task": {"type": "worker", "index": place}}
            )
        }
        for place in range(count)
    ]
