"""What a measured program answers: a process that stays alive and is told when to run.

    python scripts/peers/torch_step.py JOB.json

A worker reads its job, prepares, and answers one line of JSON:
`{"ready": {...facts}}`, or `{"error": "reason"}`. Then each line `run` on stdin is
answered by `{"seconds": s}`, of one call, and the end of stdin by `{"peak_bytes": n}`.
A job with `check` computes once, writes the array to the file that `check` names, and
ends; one with `runs` runs so often by itself. This file needs the standard library and
NumPy: peers have environments of their own.
"""

import json
import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

WARM_UP = 2  # calls that are not counted; compilers do their work in them


@dataclass(frozen=True)
class Task:
    """What is timed.

    Attributes:
        work: One call; it returns when the computation is done.
        facts: What to know of it beside its time, such as versions.
        before: Called before each run, not timed; `after` after it.
        calls: Calls of one run; None: as many as the job's `seconds` need.
        clock: Seconds since some moment.
    """

    work: Callable[[], Any]
    facts: dict[str, Any] = field(default_factory=dict)
    before: Callable[[], Any] = lambda: None
    after: Callable[[], Any] = lambda: None
    calls: int | None = None
    clock: Callable[[], float] = time.perf_counter


def serve(
    prepare: Callable[[dict], Task],
    check: Callable[[dict], np.ndarray] | None = None,
) -> None:
    """Answer on stdout until stdin ends; whatever else is printed goes to stderr.

    Args:
        prepare: Makes the task of a job.
        check: Computes for a job what the same program of another system must equal.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**fields: Any) -> None:
        print(json.dumps(fields), file=answers, flush=True)

    job = json.loads(Path(sys.argv[1]).read_text())
    try:
        if "check" in job:
            assert check is not None
            np.save(job["check"], check(job))
            answer(ready={})
            return
        task = prepare(job)
        calls = task.calls or calls_of(task, job["seconds"])
        answer(ready={**task.facts, "calls": calls})
        for _ in range(job.get("runs", 0)):
            answer(seconds=seconds_of_call(task, calls))
        for _ in sys.stdin:
            answer(seconds=seconds_of_call(task, calls))
        answer(peak_bytes=peak_bytes())
    except Exception as error:
        answer(error=reason(error))
        raise


def calls_of(task: Task, seconds: float) -> int:
    """Warm up, and return how many calls take so long."""
    for _ in range(WARM_UP):
        seconds_of_call(task, 1)
    last = max(seconds_of_call(task, 1), 1e-6)
    return max(1, math.ceil(seconds / last))


def seconds_of_call(task: Task, calls: int) -> float:
    """Return the mean time of a call, over one run."""
    task.before()
    start = task.clock()
    for _ in range(calls):
        task.work()
    seconds = (task.clock() - start) / calls
    task.after()
    return seconds


def peak_bytes() -> int:
    """Return the largest resident size of this process so far."""
    # Not getrusage, whose maximum starts with that of the process that started this.
    lines = Path("/proc/self/status").read_text().splitlines()
    found = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(found[0]) * 1024


def reason(error: BaseException) -> str:
    """Return an error as one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
