"""`alexnet launch N -- train ...`."""

import shlex
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tyro

from keras_alexnet.launch.group import WorkerGroup
from tfrecords.plain_text import say


@dataclass(frozen=True)
class LaunchOptions:
    """Start workers of one training on this machine, and look after them.

    alexnet launch 2 -- train DATA RUN --strategy multiworker

    What follows `--` are the arguments of `alexnet`, the same for every worker. Each
    finds the others in TF_CONFIG and writes a log of its own; the chief, worker 0, is
    on the terminal as well. When a worker dies, so do the others, and the whole group
    is started again from the last state, if --restarts allows. The exit status is 0
    when all workers end well, else that of the first which did not (128 and the signal,
    if one killed it). Ctrl-C and SIGTERM reach every worker, which saves and stops; the
    second time they are killed at once.
    """

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


def main(arguments: Sequence[str]) -> int:
    """Start the workers and return their exit status; 2 where `--` is missing."""
    arguments = list(arguments)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    if end == len(arguments) and not {"-h", "--help"} & {*arguments}:
        say("Expected: alexnet launch N [OPTIONS] -- train DATA RUN ...", error=True)
        return 2
    options = tyro.cli(LaunchOptions, args=arguments[:end], prog="alexnet launch")
    with _noted_signals() as signals:
        group = WorkerGroup(
            count=options.workers,
            program=shlex.split(options.program),
            logs=options.logs,
            gpus_per_worker=options.gpus_per_worker,
            start_timeout=options.start_timeout,
            grace=options.grace,
            signals=signals,
        )
        return group.run(arguments[end + 1 :], options.restarts)


@contextmanager
def _noted_signals() -> Iterator[list[int]]:
    # Noted, not raised: an exception could come between two lines of clearing up.
    signals: list[int] = []
    earlier = {
        signum: signal.signal(signum, lambda number, frame: signals.append(number))
        for signum in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield signals
    finally:
        for signum, handler in earlier.items():
            signal.signal(signum, handler)
