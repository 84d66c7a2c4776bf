"""What a measured program answers: a process that stays alive and is told when to run.

    python -P -m scripts.benchmarks.peers.torch JOB.json

It reads its job, prepares, and answers one line of JSON, `{"ready": true}` or
`{"error": "reason"}`. Then each line `run` on stdin is answered by
`{"seconds": s, "processor": s}`, of one call, and the end of stdin by
`{"peak_bytes": n}`. A job with `check` computes once, writes the array to the file that
`check` names, and ends. Of our code peers, which have an environment of their own,
import this file alone: it needs NumPy.
"""

import itertools
import json
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

GROUPS = (1, 2, 1, 2, 2)  # of conv1 to conv5
WARM_UP = 2  # calls that are not counted; compilers do their work in them


@dataclass(frozen=True)
class Task:
    """What is timed."""

    work: Callable[[], Any]  # one call; it returns when the computation is done
    before: Callable[[], Any] = lambda: None  # called before each run, not timed
    after: Callable[[], Any] = lambda: None
    calls: int | None = None  # of one run; None: as many as the job's `seconds` need
    clock: Callable[[], float] = time.perf_counter  # seconds since some moment

    def seconds(self, calls: int) -> float:
        """Return the mean time of a call, over one run."""
        self.before()
        start = self.clock()
        for _ in range(calls):
            self.work()
        seconds = (self.clock() - start) / calls
        self.after()
        return seconds

    def calls_of(self, seconds: float) -> int:
        """Warm up, and return how many calls take so long."""
        for _ in range(WARM_UP):
            self.seconds(1)
        return math.ceil(seconds / max(self.seconds(1), 1e-6))


def serve(
    prepare: Callable[[dict], Task], check: Callable[[dict], np.ndarray] | None = None
) -> None:
    """Answer on stdout until stdin ends; whatever else is printed goes to stderr.

    `check` computes what the same program of another system must equal.
    """
    answer, job = open_answers(), json.loads(Path(sys.argv[1]).read_text())
    try:
        if check is not None and "check" in job:
            np.save(job["check"], check(job))
            answer(ready=True)
            return
        task = prepare(job)
        calls = task.calls or task.calls_of(job["seconds"])
        answer(ready=True)
        for _ in sys.stdin:
            start = time.process_time()
            seconds = task.seconds(calls)
            answer(seconds=seconds, processor=(time.process_time() - start) / calls)
        # Not getrusage, whose maximum starts with that of the process before this.
        _, status = Path("/proc/self/status").read_text().split("VmHWM:")
        answer(peak_bytes=int(status.split()[0]) * 1024)
    except Exception as error:
        answer(error=error_line(error))
        raise


def open_answers() -> Callable[..., None]:
    """Return what answers a line; whatever else is printed goes to stderr from now."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(**fields: Any) -> None:
        print(json.dumps(fields), file=answers, flush=True)

    return answer


def error_line(error: Exception) -> str:
    """Return its kind and the first line of what it says.

    TensorFlow says what happened to a graph after the stack that made it.
    """
    text = "".join(traceback.format_exception_only(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    stack = [n for n, line in enumerate(lines[:-1]) if line.startswith('File "')]
    return f"{lines[0]} {lines[stack[-1] + 1]}" if stack else lines[0]


def serve_subjects(**works: Callable[..., Any]) -> None:
    """Serve what takes part in these subjects.

    `step` takes job, images and labels, and gives a training step and what tells the
    logits of the images; `inference` takes a job, and gives a function from images to
    probabilities; others give the task of a job. Images are channels last.
    """
    serve(lambda job: task_of(works, job), lambda job: checked_answer(works, job))


def task_of(works: Mapping[str, Callable[..., Any]], job: dict) -> Task:
    """Return the task of a job, a call of its subject."""
    work = works[job["subject"]]
    if job["subject"] == "step":
        return Task(work(job, noise(job), task_labels(job))[0])
    if job["subject"] == "inference":
        images, answer = noise(job), work(job)
        return Task(lambda: answer(images))
    return work(job)


def checked_answer(works: Mapping[str, Callable[..., Any]], job: dict) -> np.ndarray:
    """Return probabilities of the job's pictures, or logits after steps on them."""
    images = np.load(job["images"])
    job = {**job, "batch_size": len(images)}
    if job["subject"] == "inference":
        return works["inference"](job)(images)
    told = {**job, "dropout": 0.0}
    step, logits = works["step"](told, images, np.load(job["labels"]))
    for _ in range(job["steps"]):
        step()
    return logits()


def stream_task(batches: Iterable[Any], job: dict) -> Task:
    """Return the task of taking batches, by processor time, started for each run."""
    streams: list[Iterator[Any]] = []

    def start() -> None:
        # Of its own, and gone at the end: else it reads while others are timed.
        streams.append(endless(batches))
        next(streams[0])

    calls, clock = job["calls"], time.process_time
    return Task(lambda: next(streams[0]), start, streams.clear, calls, clock)


def endless(batches: Iterable[Any]) -> Iterator[Any]:
    """Start again and again."""
    return itertools.chain.from_iterable(itertools.repeat(batches))


def noise(job: dict) -> np.ndarray:
    """Return images float32 as spread out as pictures without their mean."""
    shape = (job["batch_size"], job["side"], job["side"], 3)
    return np.random.default_rng(0).normal(0, 60, shape).astype("float32")


def task_labels(job: dict) -> np.ndarray:
    """Return labels int64, one class after the other."""
    return np.arange(job["batch_size"]) % job["classes"]


def channels_first(path: str) -> dict[str, np.ndarray]:
    """Read weights as those have them whose maps come first: (out, in, ...)."""
    with np.load(path) as file:
        weights = dict(file)
    maps = weights["conv5/kernel"].shape[-1]
    inputs, units = weights["fc6/kernel"].shape
    side = round((inputs / maps) ** 0.5)
    by_map = weights["fc6/kernel"].reshape(side, side, maps, units)
    weights["fc6/kernel"] = np.moveaxis(by_map, 2, 0).reshape(inputs, units)
    for name in weights:
        if name.endswith("kernel"):
            moved = np.moveaxis(weights[name], (-1, -2), (0, 1))
            weights[name] = np.ascontiguousarray(moved)
    return weights
