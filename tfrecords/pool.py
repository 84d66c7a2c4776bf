"""Many tasks over a few processes, which stop together and never outlive us."""

import importlib
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import connection
from typing import Any, TypeVar

from tfrecords.errors import DatasetError

_POLL_SECONDS = 0.2

Task = TypeVar("Task")
Result = TypeVar("Result")


class Stopped(Exception):
    """Raised in a worker whose work is no longer wanted."""


def _ignore_tick() -> None:
    pass


_on_tick: Callable[[], None] = _ignore_tick


def tick() -> None:
    """Tell, from within a task, that one picture more is done.

    Raises:
        Stopped: the task should give up.
    """
    _on_tick()


def available_cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def run(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    processes: int | None,
    watch: Callable[[int], None],
) -> Generator[Result, None, None]:
    """Apply a function to every task and give the results as they come.

    Args:
        function: picklable; calls `tick` once a picture.
        tasks: picklable, and small.
        processes: None means one a core; 1 works in this process.
        watch: is told the number of ticks so far, a few times a second.

    Raises:
        DatasetError: a worker died, or `processes` is below 1.
    """
    if processes is not None and processes < 1:
        raise DatasetError(f"Expected at least 1 process; got {processes}.")
    workers = min(processes or available_cores(), len(tasks))
    if workers <= 1:
        yield from _run_here(function, tasks, watch)
    else:
        yield from _run_in_pool(function, tasks, workers, watch)


def _run_here(function, tasks, watch):
    global _on_tick
    ticks = 0

    def count() -> None:
        nonlocal ticks
        ticks += 1
        watch(ticks)

    _on_tick = count
    try:
        for task in tasks:
            yield function(task)
    finally:
        _on_tick = _ignore_tick


def _run_in_pool(function, tasks, workers, watch):
    # Not fork: TensorFlow's threads do not survive it.
    context = multiprocessing.get_context("spawn")
    counter, stop = context.Value("q", 0), context.Event()
    pool = ProcessPoolExecutor(workers, context, _start_worker, (counter, stop))
    try:
        waiting = {pool.submit(function, task) for task in tasks}
        while waiting:
            done, waiting = wait(waiting, _POLL_SECONDS, FIRST_COMPLETED)
            watch(counter.value)
            for future in done:
                yield future.result()
    except BrokenProcessPool:
        raise DatasetError(
            "A worker process died, perhaps for want of memory. Finished shards are "
            "kept; run the same command again, with fewer --processes."
        ) from None
    finally:
        stop.set()
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(counter: Any, stop: Any) -> None:
    global _on_tick
    _on_tick = partial(_count, counter, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # no worker needs a GPU's memory
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    threading.Thread(target=_die_with_parent, daemon=True).start()
    _import_tensorflow_quietly()


def _count(counter: Any, stop: Any) -> None:
    with counter.get_lock():
        counter.value += 1
    if stop.is_set():
        raise Stopped


def _import_tensorflow_quietly() -> None:
    # It greets on standard error before any of its log settings are read, once for
    # each worker.
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        importlib.import_module("tensorflow")
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
