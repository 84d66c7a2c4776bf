"""The workers of one training on this machine: when one dies, all begin again."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keras_alexnet.launch.worker import WorkerProcess
from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.ranges import check_count, check_number

HOST = "127.0.0.1"
POLL = 0.1  # seconds
TIMED_OUT = 124  # exit status, as of timeout(1)


@dataclass
class WorkerGroup:
    """All workers of one start.

    Attributes:
        count: Number of workers.
        program: Words of the command that every worker runs; arguments follow.
        logs: Folder for worker-0.log and on; logs of a restart are appended.
        gpus_per_worker: GPUs that each worker sees, one after the other; 0 leaves
            CUDA_VISIBLE_DEVICES as it is.
        start_timeout: Seconds in which all workers must have found each other.
        grace: Seconds from the request to stop to the kill.
        signals: SIGINT and SIGTERM that came, in their order; it grows meanwhile.
        workers: The processes of the latest start.

    Raises:
        UserError: A number is out of its range.
    """

    count: int
    program: Sequence[str]
    logs: Path
    gpus_per_worker: int
    start_timeout: float
    grace: float
    signals: list[int] = field(default_factory=list)
    workers: list[WorkerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_count("workers", self.count)
        check_count("gpus_per_worker", self.gpus_per_worker, least=0)
        check_number("start_timeout", self.start_timeout, above=0)
        check_number("grace", self.grace, least=0)

    def run(self, arguments: Sequence[str], restarts: int) -> int:
        """Run the group, again if it fails and may, and return the exit status.

        Args:
            arguments: Of the program, the same for every worker.
            restarts: How often it is started again after a worker has died.

        Returns:
            0 when all workers end well, else what `wait` says of the last start.

        Raises:
            UserError: There are too few GPUs, or restarts is below 0.
        """
        check_count("restarts", restarts, least=0)
        for attempt in range(restarts + 1):
            self.start(resuming(arguments) if attempt else arguments)
            status = self.wait()
            self.stop()
            if self.signals:
                return 128 + self.signals[0]
            if status == 0 or attempt == restarts:
                break
            _say(f"Starting again, {attempt + 1} of {restarts} times.")
        return status

    def start(self, arguments: Sequence[str]) -> None:
        """Start every worker on ports that are free.

        Raises:
            UserError: There are too few GPUs.
        """
        gpus = split_gpus(self.count, self.gpus_per_worker)
        self.logs.mkdir(parents=True, exist_ok=True)
        addresses = [f"{HOST}:{port}" for port in free_ports(self.count)]
        command = [*self.program, *arguments]
        self.workers = []  # what is started is known even if the next fails
        for number in range(self.count):
            log = self.logs / f"worker-{number}.log"
            self.workers.append(
                WorkerProcess.start(command, number, addresses, log, gpus[number])
            )

    def wait(self) -> int:
        """Return 0 when all have ended well, else the status of the first to fail.

        It is 128 and the signal of one that was killed, and TIMED_OUT where they have
        not met in time. A signal to us ends the wait too.
        """
        deadline = time.monotonic() + self.start_timeout
        together = False
        while not self.signals:
            statuses = [worker.status for worker in self.workers]
            for worker, status in zip(self.workers, statuses, strict=True):
                if status:
                    _report(worker, status)
                    return status
            if all(status == 0 for status in statuses):
                return 0
            together = together or all(worker.joined for worker in self.workers)
            if not together and time.monotonic() > deadline:
                self._report_missing()
                return TIMED_OUT
            time.sleep(POLL)
        asked = signal.Signals(self.signals[0])
        _say(f"{asked.name}: stopping the workers.")
        return 128 + asked

    def stop(self) -> None:
        """Ask every worker to stop, and kill those that have not in time.

        They get the signal that came, or SIGTERM; one more kills them at once.
        """
        known = self.signals[:1]
        self._send(known[0] if known else signal.SIGTERM)
        deadline = time.monotonic() + self.grace
        while any(worker.status is None for worker in self.workers):
            if len(self.signals) > len(known):
                _say("Killing the workers.")
                break
            if time.monotonic() > deadline:
                _say(f"Killing what has not stopped in {self.grace:g} s.")
                break
            time.sleep(POLL)
        self._send(signal.SIGKILL)
        for worker in self.workers:
            worker.wait()

    def _report_missing(self) -> None:
        missing = [str(worker.number) for worker in self.workers if not worker.joined]
        _say(
            f"Expected all workers to join within {self.start_timeout:g} s; "
            f"missing: {', '.join(missing)}. See {self.logs}, or raise "
            "--start-timeout."
        )

    def _send(self, signum: int) -> None:
        for worker in self.workers:
            worker.send(signum)


def resuming(arguments: Sequence[str]) -> list[str]:
    """Return the arguments of a later start: it goes on with a run that has begun."""
    begun = any((Path(argument) / "config.json").is_file() for argument in arguments)
    wanted = begun and "--resume" not in arguments
    return [*arguments, "--resume"] if wanted else [*arguments]


def free_ports(count: int) -> list[int]:
    """Return so many TCP ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def split_gpus(count: int, each: int) -> list[str | None]:
    """Return CUDA_VISIBLE_DEVICES of each worker: a part of what is visible here.

    Args:
        count: Number of workers.
        each: GPUs of each; 0 leaves the variable as it is, which is None.

    Raises:
        UserError: There are too few.
    """
    if not each:
        return [None] * count
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = [str(gpu) for gpu in range(count * each)]
    if visible is not None:
        gpus = [gpu for gpu in visible.split(",") if gpu]
    if len(gpus) < count * each:
        raise UserError(
            f"Expected {count * each} GPUs, {each} for each of {count} workers, found "
            f"CUDA_VISIBLE_DEVICES={visible}. Start fewer workers, or show more GPUs."
        )
    return [",".join(gpus[first * each :][:each]) for first in range(count)]


def _report(worker: WorkerProcess, status: int) -> None:
    _say(f"Worker {worker.number} ended with status {status}; its log: {worker.log}")
    if worker.number:  # the chief's is on the terminal
        for line in worker.last_lines():
            say(line, error=True)


def _say(text: str) -> None:
    say(f"alexnet launch: {text}", error=True)
