#!/usr/bin/env python
"""Start several workers of one training run on this machine, and look after them.

    scripts/launch_workers.py 2 -- train DATA RUN --strategy multiworker
    scripts/launch_workers.py 4 --gpus-per-worker 2 --restarts 3 -- \\
        train DATA RUN --strategy multiworker --towers

What follows `--` are the arguments of `alexnet`, the same for every worker. Each finds
the others in TF_CONFIG and writes a log of its own; the chief, worker 0, is on the
terminal as well. When a worker dies, so do the others, and the whole group is started
again from the last state, if --restarts allows. The exit status is 0 when all workers
end well, else that of the first which did not (128 and the signal, if one killed it).
Ctrl-C and SIGTERM reach every worker, which saves and stops; the second time they are
killed at once.
"""

import contextlib
import ctypes
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, BinaryIO

import tyro

HOST = "127.0.0.1"
JOINED = b" has joined"  # in the line that a worker prints when it has met the others
POLL = 0.1  # seconds
LAST_LINES = 15  # of a dead worker's log, to be shown
PR_SET_PDEATHSIG = 1  # of prctl(2)
TIMED_OUT = 124  # exit status, as of timeout(1)


@dataclass(frozen=True)
class Options:
    """Start workers of one training run on this machine, and look after them."""

    workers: tyro.conf.Positional[int]
    """Number of workers."""
    gpus_per_worker: int = 0
    """GPUs that each worker sees, one after the other; 0 leaves CUDA_VISIBLE_DEVICES
    as it is."""
    restarts: int = 0
    """How often the group is started again after a worker has died."""
    start_timeout: float = 300.0
    """Seconds in which all workers must have found each other."""
    grace: float = 60.0
    """Seconds from the request to stop to the kill. TensorFlow ignores SIGTERM while
    workers wait for each other."""
    logs: Path = Path("worker-logs")
    """Folder for worker-0.log and on; logs of a restart are appended."""
    program: str = f"{shlex.quote(sys.executable)} -m keras_alexnet"
    """What to start with the arguments after `--`."""
    arguments: Annotated[tuple[str, ...], tyro.conf.Suppress] = ()


@dataclass
class Worker:
    """One process of the group and its log."""

    number: int
    process: subprocess.Popen
    log: Path
    begin: int  # byte of the log at which this start began
    copying: threading.Thread | None = None

    @property
    def joined(self) -> bool:
        """Whether it has met the others."""
        with self.log.open("rb") as file:
            file.seek(self.begin)
            return JOINED in file.read()

    @property
    def status(self) -> int | None:
        """Its exit status, 128 and the signal that killed it, or None if it runs."""
        code = self.process.poll()
        return 128 - code if code is not None and code < 0 else code

    def last_lines(self) -> str:
        """Return the end of what it has said."""
        with self.log.open("rb") as file:
            file.seek(self.begin)
            lines = file.read().decode(errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])


@dataclass
class Group:
    """All workers of one start.

    Attributes:
        options: Of this script.
        signals: SIGINT and SIGTERM that came, in their order; it grows meanwhile.
        workers: The processes.
    """

    options: Options
    signals: list[int]
    workers: list[Worker] = field(default_factory=list)

    def start(self, arguments: list[str]) -> None:
        """Start every worker on ports that are free."""
        addresses = [f"{HOST}:{port}" for port in free_ports(self.options.workers)]
        for number in range(self.options.workers):
            self.workers.append(_start(self.options, number, addresses, arguments))

    def wait(self) -> int:
        """Return 0 when all have ended well, else the first other status.

        A signal ends the wait too.
        """
        deadline = time.monotonic() + self.options.start_timeout
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
        deadline = time.monotonic() + self.options.grace
        while any(worker.status is None for worker in self.workers):
            if len(self.signals) > len(known):
                _say("Killing the workers.")
                break
            if time.monotonic() > deadline:
                _say(f"Killing what has not stopped in {self.options.grace:g} s.")
                break
            time.sleep(POLL)
        self._send(signal.SIGKILL)
        for worker in self.workers:
            worker.process.wait()
            if worker.copying is not None:
                worker.copying.join()

    def _report_missing(self) -> None:
        missing = [str(worker.number) for worker in self.workers if not worker.joined]
        _say(
            f"Expected all workers to join within {self.options.start_timeout:g} s; "
            f"missing: {', '.join(missing)}. See {self.options.logs}, or raise "
            "--start-timeout."
        )

    def _send(self, signum: int) -> None:
        """Signal every worker that runs, and the processes that it has started."""
        for worker in self.workers:
            if worker.status is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(worker.process.pid, signum)


def run(options: Options, signals: list[int]) -> int:
    """Run the group, again if it fails and may, and return the exit status.

    Args:
        options: Of this script.
        signals: As in `Group`.
    """
    options.logs.mkdir(parents=True, exist_ok=True)
    for attempt in range(options.restarts + 1):
        group = Group(options, signals)
        group.start(resuming(options.arguments, attempt))
        status = group.wait()
        group.stop()
        if signals:
            return 128 + signals[0]
        if status == 0:
            return 0
        if attempt < options.restarts:
            _say(f"Starting again, {attempt + 1} of {options.restarts} times.")
    return status


def resuming(arguments: tuple[str, ...], attempt: int) -> list[str]:
    """Return the arguments of a start; a later one goes on with the run folder."""
    begun = any((Path(argument) / "config.json").is_file() for argument in arguments)
    if attempt and begun and "--resume" not in arguments:
        return [*arguments, "--resume"]
    return list(arguments)


def free_ports(count: int) -> list[int]:
    """Return so many TCP ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def gpus_of_each(options: Options) -> list[str] | None:
    """Return CUDA_VISIBLE_DEVICES of each worker: a part of what is visible here.

    None leaves it as it is.

    Raises:
        SystemExit: There are too few.
    """
    each, need = options.gpus_per_worker, options.workers * options.gpus_per_worker
    if not each:
        return None
    ours = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = [str(gpu) for gpu in range(need)]
    if ours is not None:
        gpus = [gpu for gpu in ours.split(",") if gpu]
    if len(gpus) < need:
        raise SystemExit(
            f"launch_workers: expected {need} GPUs, {each} for each of "
            f"{options.workers} workers, found CUDA_VISIBLE_DEVICES={ours}."
        )
    parts = [gpus[first : first + each] for first in range(0, need, each)]
    return [",".join(part) for part in parts]


def _start(
    options: Options, number: int, addresses: list[str], arguments: list[str]
) -> Worker:
    task = {"type": "worker", "index": number}
    cluster = {"cluster": {"worker": addresses}, "task": task}
    environment = {**os.environ, "TF_CONFIG": json.dumps(cluster)}
    gpus = gpus_of_each(options)
    if gpus is not None:
        environment["CUDA_VISIBLE_DEVICES"] = gpus[number]
    log = options.logs / f"worker-{number}.log"
    file = log.open("ab")
    begin = file.tell()
    process = subprocess.Popen(
        [*shlex.split(options.program), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if number == 0 else file,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # Ctrl-C comes from here alone
        preexec_fn=_die_with_parent,
    )
    worker = Worker(number, process, log, begin)
    if number == 0:
        assert process.stdout is not None
        copy = threading.Thread(target=_copy, args=(process.stdout, file), daemon=True)
        worker.copying = copy
        copy.start()
    else:
        file.close()
    return worker


def _die_with_parent() -> None:
    """Have the kernel kill this process when the launcher is killed."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _copy(source: BinaryIO, file: BinaryIO) -> None:
    """Copy what the chief says to its log and to the terminal."""
    with source, file:
        while block := os.read(source.fileno(), 1 << 16):
            file.write(block)
            file.flush()
            sys.stdout.buffer.write(block)
            sys.stdout.buffer.flush()


def _report(worker: Worker, status: int) -> None:
    _say(f"Worker {worker.number} ended with status {status}; its log: {worker.log}")
    if worker.number:  # the chief's is on the terminal
        print(worker.last_lines(), file=sys.stderr, flush=True)


def _say(text: str) -> None:
    print(f"launch_workers: {text}", file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Read the options and run; an error in them is status 2."""
    if "--" not in arguments and not {"-h", "--help"} & {*arguments}:
        _say("Expected: launch_workers.py N [OPTIONS] -- train DATA RUN ...")
        return 2
    split = arguments.index("--") if "--" in arguments else len(arguments)
    own, rest = arguments[:split], tuple(arguments[split + 1 :])
    options = tyro.cli(Options, args=own, description=__doc__)
    if options.workers < 1:
        _say(f"Expected one worker or more, got {options.workers}.")
        return 2
    signals: list[int] = []
    for signum in (signal.SIGINT, signal.SIGTERM):
        # Noted, not raised: an exception could come between two lines of clearing up.
        signal.signal(signum, lambda number, frame: signals.append(number))
    return run(Options(**{**vars(options), "arguments": rest}), signals)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
