"""Several systems at the same work, measured in turn."""

import contextlib
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from peers.contestant import Contestant, Result
from peers.process import Worker, WorkerError


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
    _measure(contestants, results, folder, rounds, cores, say)
    return results


def _measure(contestants, results, folder, rounds, cores, say) -> None:
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
