"""Several systems at the same work, measured in turn."""

import contextlib
import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent
ANSWER_SECONDS = 1800  # a compiler's warm-up on busy cores takes minutes
END_SECONDS = 60  # between the last answer and the end of a process


class WorkerError(Exception):
    """A worker did not do what it was told; the text is one line."""


@dataclass(frozen=True)
class Contestant:
    """One system at the work.

    Attributes:
        name: For tables.
        python: Interpreter of its environment.
        script: Its worker in this folder.
        job: What the worker reads.
        kind: `ours`, `peer`, or `limit` for what the machine can do.
        amount: Images (or operations, or bytes) of one call.
        absent: Why it cannot be run here; None if it can.
    """

    name: str
    python: Path
    script: str
    job: dict[str, Any]
    kind: str = "peer"
    amount: float = 1.0
    absent: str | None = None


@dataclass
class Result:
    """What was measured of one contestant.

    Attributes:
        name: Of the contestant; `kind` and `amount` are its own too.
        failure: Why it was not measured; None if it was.
        seconds: Of a call, one for each run.
        ratios: Its time over the reference's, one for each run: over the mean of the
            runs before and after it.
        difference: Largest difference of its answer from ours, over our largest.
        peak_bytes: Of memory, at the end.
        facts: What its worker said of itself.
    """

    name: str
    kind: str
    amount: float
    failure: str | None = None
    seconds: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    difference: float | None = None
    peak_bytes: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """Amount in a second, median over the runs."""
        return self.amount / median(self.seconds) if self.seconds else None

    @property
    def ratio(self) -> float | None:
        """How many times its time the reference needs less; median over the runs."""
        return median(self.ratios) if self.ratios else None


class Worker:
    """A process that runs when it is told to.

    Args:
        contestant: Whose worker to start.
        folder: For its job and what it prints.
        cores: Numbers of the processor cores that it may use.
        job: The job, if not the contestant's own.
    """

    def __init__(
        self,
        contestant: Contestant,
        folder: Path,
        cores: Sequence[int],
        job: dict[str, Any] | None = None,
    ) -> None:
        if contestant.absent is not None:
            raise WorkerError(contestant.absent)
        name = contestant.name.replace(" ", "_").replace("/", "_")
        path = folder / f"{name}.json"
        path.write_text(json.dumps(job or contestant.job))
        self._log = folder / f"{name}.log"
        with open(self._log, "wb") as log, on_cores(cores):
            self._process = subprocess.Popen(
                [contestant.python, FOLDER / contestant.script, path],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,
                env=environment(len(cores)),
            )
        self._text = b""
        self.ready = self._answer("ready")

    def run(self) -> float:
        """Return the seconds of a call."""
        with contextlib.suppress(BrokenPipeError):  # its last words say more
            self._process.stdin.write(b"run\n")
        return self._answer("seconds")

    def finish(self) -> int:
        """End it and return the most memory it had, in bytes."""
        self._process.stdin.close()
        peak = self._answer("peak_bytes")
        self.wait()
        return peak

    def wait(self) -> None:
        """Wait for the end of a worker that has done its work."""
        for pipe in (self._process.stdin, self._process.stdout):
            pipe.close()
        self._process.wait()

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        self.wait()

    def _answer(self, key: str) -> Any:
        deadline = time.monotonic() + ANSWER_SECONDS
        output = self._process.stdout.fileno()
        while b"\n" not in self._text:
            left = max(0.0, deadline - time.monotonic())
            if not select.select([output], [], [], left)[0]:
                self.kill()
                raise WorkerError(f"no answer within {ANSWER_SECONDS} s")
            more = os.read(output, 65536)
            if not more:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(END_SECONDS)
                self.kill()
                raise WorkerError(self._last_words())
            self._text += more
        line, _, self._text = self._text.partition(b"\n")
        answer = json.loads(line)
        if key not in answer:
            self.kill()
            raise WorkerError(answer.get("error", f"answered {line.decode()}"))
        return answer[key]

    def _last_words(self) -> str:
        lines = self._log.read_text(errors="replace").strip().splitlines()
        code = self._process.returncode
        return f"ended with {code}: {lines[-1] if lines else 'it printed nothing'}"


@contextlib.contextmanager
def on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Start processes on these cores alone."""
    usual = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, usual)


def environment(threads: int) -> dict[str, str]:
    """Return the variables of a worker: our code, so many threads, no GPU."""
    root = str(FOLDER.parents[1])
    limits = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(limits, str(threads)),
        "PYTHONPATH": root,
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "NO_GCE_CHECK": "true",
    }


def hold(
    contestants: Sequence[Contestant],
    folder: Path,
    *,
    rounds: int,
    cores: Sequence[int],
    tolerance: float | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> list[Result]:
    """Measure all in turn: the first is the reference, before and after each other.

    Args:
        contestants: Whom to measure; the first is ours.
        folder: Scratch.
        rounds: Measurements of each.
        cores: Numbers of the processor cores that each may use.
        tolerance: How far an answer may be from ours; None leaves the check out. Who
            computes something else is not measured.
        say: Takes lines on the progress.

    Raises:
        WorkerError: The reference fails.
    """
    results = [Result(c.name, c.kind, c.amount) for c in contestants]
    if tolerance is not None:
        _check(contestants, results, folder, cores, tolerance, say)
    workers: dict[int, Worker] = {}
    try:
        for place, contestant in enumerate(contestants):
            if results[place].failure is None:
                _start(place, contestant, results, workers, folder, cores, say)
        _take_turns(results, workers, rounds, say)
        for place, worker in workers.items():
            with contextlib.suppress(WorkerError):  # it was measured all the same
                results[place].peak_bytes = worker.finish()
    finally:
        for worker in workers.values():
            worker.kill()
    return results


def _check(contestants, results, folder, cores, tolerance, say) -> None:
    """Let each compute the same answer, and name who differs."""
    expected = None
    for contestant, result in zip(contestants, results, strict=True):
        if contestant.kind == "limit":
            continue
        path = folder / "answer.npy"
        job = {**contestant.job, "check": str(path)}
        try:
            Worker(contestant, folder, cores, job).wait()
        except WorkerError as error:
            _fail(result, str(error), expected is None, say)
            continue
        answer = np.load(path)
        if expected is None:
            expected = answer
        result.difference = difference(answer, expected)
        say(f"{result.name}: differs from ours by {result.difference:.1e}")
        if not result.difference <= tolerance:
            text = f"differs by {result.difference:.1e}, more than {tolerance:.0e}"
            _fail(result, text, False, say)


def difference(answer: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference over the largest expected value."""
    if answer.shape != expected.shape:
        return float("inf")
    return float(np.abs(answer - expected).max() / np.abs(expected).max())


def _start(place, contestant, results, workers, folder, cores, say) -> None:
    start = time.monotonic()
    try:
        workers[place] = Worker(contestant, folder, cores)
    except WorkerError as error:
        _fail(results[place], str(error), place == 0, say)
        return
    results[place].facts = workers[place].ready
    say(f"{contestant.name}: ready after {time.monotonic() - start:.0f} s")


def _fail(result: Result, text: str, is_reference: bool, say) -> None:
    result.failure = text
    say(f"{result.name}: {text}")
    if is_reference:
        raise WorkerError(f"{result.name}: {text}")


def _take_turns(results, workers, rounds, say) -> None:
    reference = workers[0]
    before = reference.run()
    results[0].seconds.append(before)
    for number in range(1, rounds + 1):
        for place in [place for place in workers if place != 0]:
            try:
                seconds = workers[place].run()
            except WorkerError as error:
                _fail(results[place], str(error), False, say)
                del workers[place]
                continue
            after = reference.run()
            results[0].seconds.append(after)
            results[place].seconds.append(seconds)
            results[place].ratios.append(2 * seconds / (before + after))
            before = after
        say(f"round {number} of {rounds}")
