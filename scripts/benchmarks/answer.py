"""What a measured program answers: a process that stays alive and is told when to run.

    python -P -m scripts.benchmarks.peers.torch JOB.json

It reads its job, prepares, and answers one line of JSON:
`{"ready": {...facts}}`, or `{"error": "reason"}`. Then each line `run` on stdin is
answered by `{"seconds": s, "processor": s}`, of one call, and the end of stdin by
`{"peak_bytes": n}`.
A job with `check` computes once, writes the array to the file that `check` names, and
ends; one with `runs` runs so often by itself. Of our code peers, which have an
environment of their own, import this file alone: it needs NumPy.
"""

import itertools
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

GROUPS = (1, 2, 1, 2, 2)  # of conv1 to conv5
WARM_UP = 2  # calls that are not counted; compilers do their work in them


@dataclass(frozen=True)
class Task:
    """What is timed."""

    work: Callable[[], Any]  # one call; it returns when the computation is done
    # What to know of it beside its time, such as versions.
    facts: dict[str, Any] = field(default_factory=dict)
    # Called before each run, not timed; `after` after it.
    before: Callable[[], Any] = lambda: None
    after: Callable[[], Any] = lambda: None
    # Calls of one run; None: as many as the job's `seconds` need.
    calls: int | None = None
    clock: Callable[[], float] = time.perf_counter  # seconds since some moment


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
        for _ in itertools.chain(range(job.get("runs", 0)), sys.stdin):
            start = time.process_time()
            seconds = seconds_of_call(task, calls)
            answer(seconds=seconds, processor=(time.process_time() - start) / calls)
        answer(peak_bytes=peak_bytes())
    except Exception as error:
        answer(error=reason(error))
        raise


def serve_network(
    open_network: Callable[[dict, int], Callable[[np.ndarray], np.ndarray]],
    **facts: str,
) -> None:
    """Serve a network that answers images, channels last, with probabilities.

    Args:
        open_network: From a job and a batch size to the network.
        facts: What to know of it, such as versions.
    """

    def prepare(job: dict) -> Task:
        images, answer = noise(job), open_network(job, job["batch_size"])
        return Task(lambda: answer(images), facts)

    def check(job: dict) -> np.ndarray:
        images = np.load(job["images"])
        return open_network(job, len(images))(images)

    serve(prepare, check)


def stream_task(batches: Iterable[Any], job: dict, **facts: str) -> Task:
    """Return the task of taking batches, by processor time, started for each run."""
    streams: list[Iterator[Any]] = []

    def start() -> None:
        # Of its own, and gone at the end: else it reads while others are timed.
        streams.append(iter(batches))
        next(streams[0])

    calls, clock = job["calls"], time.process_time
    return Task(lambda: next(streams[0]), facts, start, streams.clear, calls, clock)


def noise(job: dict) -> np.ndarray:
    """Return images float32 as spread out as pictures without their mean."""
    shape = (job["batch_size"], job["side"], job["side"], 3)
    return np.random.default_rng(0).normal(0, 60, shape).astype("float32")


def labels(job: dict) -> np.ndarray:
    """Return labels int64 of the images."""
    return np.arange(job["batch_size"]) % job["classes"]


def channels_first(weights: Any, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return kernel (in, out) and bias of fc6 to fc8 for maps that come first."""
    kernel, bias = (weights[f"fc{number}/{name}"] for name in ("kernel", "bias"))
    if number == 6:  # ours flattens channels last
        maps = weights["conv5/kernel"].shape[-1]
        side = round((kernel.shape[0] / maps) ** 0.5)
        kernel = kernel.reshape(side, side, maps, -1).transpose(2, 0, 1, 3)
        kernel = kernel.reshape(side * side * maps, -1)
    return kernel, bias


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
