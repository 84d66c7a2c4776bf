"""Many tasks over a few processes, which stop together and never outlive us."""

import inspect
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import connection
from multiprocessing.context import BaseContext
from types import FrameType
from typing import Any, TypeVar

from tfrecords.errors import DatasetError
from tfrecords.process_context import tensorflow_here, worker_context
from tfrecords.stopwatch import Seconds, phase
from tfrecords.streams import import_tensorflow_silently

MOST_DEATHS = 3  # of processes, over one task
_POLL_SECONDS = 0.2

Task = TypeVar("Task")
Result = TypeVar("Result")


class Cancelled(Exception):
    """Raised in a process whose work is no longer wanted."""


class ProcessDied(DatasetError):
    """One task killed its process as often as is borne.

    Attributes:
        task: the task.
        ticks: for each death, how many pictures of the task were done before it.
    """

    def __init__(self, task: Any, ticks: Sequence[int]):
        super().__init__(
            f"A worker process died {len(ticks)} times over the same task, perhaps for "
            "want of memory. Run the same command again, with fewer --processes."
        )
        self.task = task
        self.ticks = tuple(ticks)


def _ignore(*_: object) -> None:
    pass


_on_tick: Callable[[], None] = _ignore
_start: Seconds | None = None


def tick() -> None:
    """Tell, from within a task, that one picture more is done.

    Raises:
        Cancelled: the task should give up.
    """
    _on_tick()


def take_start() -> Seconds | None:
    """Return what it took to start this process, once; None: it was said, or unknown.

    From when the parent asked for it until it was ready for its first task.
    """
    global _start
    taken, _start = _start, None
    return taken


def available_cores() -> int:
    """Number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


def check_processes(processes: int | None) -> None:
    """Check the number of processes; None, for one a core, passes.

    Raises:
        DatasetError: It is below 1.
    """
    if processes is not None and not processes >= 1:
        raise DatasetError(f"Expected at least 1 process; got {processes}.")


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    processes: int | None,
    watch: Callable[[int], None],
    died: Callable[[Task], None] = _ignore,
) -> Generator[Result, None, None]:
    """Apply a function to every task and give the results as they come.

    A process that is killed costs no more than its task, which another one begins
    again. Each imports the script that was started, if one was, before it begins.

    Args:
        function: picklable; calls `tick` once a picture.
        tasks: picklable; each is pickled only when a process is free for it.
        processes: None means one a core; 1 works in this process.
        watch: is told the number of ticks so far, a few times a second.
        died: is told the task whose process died, if it will be begun again.

    Raises:
        ProcessDied: one task killed its process `MOST_DEATHS` times.
        DatasetError: `processes` is below 1, or the script that was started does all
            of its work, and this with it, each time it is imported.
    """
    check_processes(processes)
    count = min(processes or available_cores(), len(tasks))
    if count <= 1:
        yield from _run_here(function, tasks, watch)
    else:
        yield from _Crew(function, tasks, count, died).run(watch)


def _run_here(function, tasks, watch):
    global _on_tick
    ticks = 0

    def count() -> None:
        nonlocal ticks
        ticks += 1
        watch(ticks)

    _on_tick = count
    tensorflow_here()
    try:
        for task in tasks:
            yield function(task)
    finally:
        _on_tick = _ignore


@dataclass
class _Job:
    task: Any
    deaths: list[int] = field(default_factory=list)  # ticks before each


class _Process:
    # An executor of one process each: when a process dies, an executor gives up all
    # that it has, and which task was to blame is not known.

    def __init__(self, context: BaseContext, stop: Any):
        # Without locks: a killed process would never release them.
        self._ticks = context.RawValue("q", 0)
        self._began = context.RawValue("b", 0)
        self.executor = ProcessPoolExecutor(
            1, context, _start_process, (self._ticks, self._began, stop, time.time())
        )

    @property
    def began(self) -> bool:
        """Whether it came as far as to ask for a task."""
        return bool(self._began.value)

    @property
    def ticks(self) -> int:
        return self._ticks.value

    def submit(self, function: Callable, task: Any) -> Future:
        self._ticks.value = 0
        with phase("start"):
            return self.executor.submit(function, task)


class _Crew:
    def __init__(self, function, tasks, count: int, died):
        self._function, self._died = function, died
        self._context = worker_context()
        self._stop = self._context.RawValue("b", 0)
        self._waiting = deque(_Job(task) for task in tasks)
        self._idle = [_Process(self._context, self._stop) for _ in range(count)]
        self._busy: dict[Future, tuple[_Process, _Job]] = {}
        self._ticks = 0  # of finished tasks

    def run(self, watch):
        try:
            while self._waiting or self._busy:
                self._hand_out()
                done, _ = wait(self._busy, _POLL_SECONDS, FIRST_COMPLETED)
                results = [r for future in done for r in self._take_back(future)]
                watch(self._ticks + sum(p.ticks for p, _ in self._busy.values()))
                self._hand_out()  # before the caller takes its time over the results
                yield from results
        finally:
            self._dismiss()

    def _hand_out(self) -> None:
        while self._idle and self._waiting:
            process, job = self._idle.pop(), self._waiting.popleft()
            try:
                future = process.submit(self._function, job.task)
            except BrokenProcessPool:  # it died while it had nothing to do
                process = self._successor(process)
                future = process.submit(self._function, job.task)
            self._busy[future] = process, job

    def _successor(self, process: _Process) -> _Process:
        process.executor.shutdown()
        return _Process(self._context, self._stop)

    def _take_back(self, future: Future) -> list:
        process, job = self._busy[future]
        try:
            result = future.result()
        except BrokenProcessPool:
            script = None if process.began else _script_without_guard()
            if script is not None:
                raise _unguarded(script) from None
            job.deaths.append(process.ticks)
            if len(job.deaths) == MOST_DEATHS:
                raise ProcessDied(job.task, job.deaths) from None
            process = self._successor(process)
            self._waiting.appendleft(job)
            self._died(job.task)
            results = []
        else:
            self._ticks += process.ticks
            results = [result]
        del self._busy[future]
        self._idle.append(process)
        return results

    def _dismiss(self) -> None:
        self._stop.value = 1
        busy = [process for process, _ in self._busy.values()]
        for process in [*self._idle, *busy]:
            process.executor.shutdown(wait=True, cancel_futures=True)


def _script_without_guard() -> str | None:
    """Return the script that is running, if it asks nowhere for `__name__`.

    A process of a crew imports the script under another name than `__main__`.
    One that does not ask for its name does there all that it does here.
    """
    frame: FrameType | None = inspect.currentframe()
    while frame is not None:
        module = frame.f_code.co_name == "<module>"
        if module and frame.f_globals.get("__name__") == "__main__":
            code = frame.f_code
            return None if "__name__" in code.co_names else code.co_filename
        frame = frame.f_back
    return None


def _unguarded(script: str) -> DatasetError:
    return DatasetError(
        f"Each worker process imports {script} before it begins, and so ran into the "
        "call that starts the workers. Expected that call below a line "
        '`if __name__ == "__main__":`, found none. Add it, or use processes=1.'
    )


def _start_process(ticks: Any, began: Any, stop: Any, asked: float) -> None:
    global _on_tick, _start
    began.value = 1
    _on_tick = partial(_count, ticks, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"  # no process needs a GPU's memory
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    threading.Thread(target=_die_with_parent, daemon=True).start()
    import_tensorflow_silently()
    _start = Seconds(time.time() - asked, time.process_time())


def _count(ticks: Any, stop: Any) -> None:
    ticks.value += 1
    if stop.value:
        raise Cancelled


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)
