"""Systems of a GPU's subject, measured in turn by the processes of their libraries."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from scripts.benchmarks.system import Subject, System
from scripts.benchmarks.system_process import ROOT, SystemFailure, SystemProcess

NOT_REACHED = "not reached in time"


def variables() -> dict[str, str]:
    """Return what the environment of every process has: one GPU, and our code."""
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "CUDA_VISIBLE_DEVICES": os.environ.get("CUDA_VISIBLE_DEVICES", "0"),
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",  # another library needs memory too
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


class Workers:
    """The process of each library, started when it is asked first, or after it died.

    Args:
        folder: For what they print.
        left: Tells how many seconds an answer may take from now.
    """

    def __init__(self, folder: Path, left: Callable[[], float]) -> None:
        self._folder, self.left = folder, left
        self._processes: dict[str, SystemProcess] = {}

    def ask(self, subject: Subject, system: System, key: str, **order: Any) -> Any:
        """Return what is answered for a key.

        Raises:
            SystemFailure: The process failed, with all works that it had.
        """
        if not self.left():
            raise SystemFailure(NOT_REACHED)
        library = library_of(system)
        if library not in self._processes:
            process = System(library, system.python, system.program, {})
            cores = sorted(os.sched_getaffinity(0))
            started = SystemProcess(process, self._folder, cores, variables())
            self._processes[library] = started
        process = self._processes[library]
        process.timeout = self.left()
        told = {"subject": subject.title, "name": system.name, **order}
        process.order(json.dumps(told))
        try:
            return process.answer(key)[key]
        except SystemFailure:
            del self._processes[library]
            raise

    def end(self) -> None:
        """End them and give their memory back."""
        while self._processes:
            self._processes.popitem()[1].kill()


def library_of(system: System) -> str:
    """Return whose process a system is measured in."""
    return "torch" if system.job["work"] == "torch" else "tensorflow"


def take_turns(subject: Subject, workers: Workers, rounds: int) -> Iterator[None]:
    """Measure each system once, and then all A B C A B C; yield after each turn.

    What is measured is kept in the systems: seconds of all turns, and of the rounds
    the ratios to the first system in the same round. Who fails leaves the others.
    """
    alive: list[System] = []

    def asked(system: System, key: str, **order: Any) -> Any:
        try:
            return workers.ask(subject, system, key, **order)
        except SystemFailure as error:
            why = str(error) if workers.left() else NOT_REACHED
            system.failure = None if system.seconds else why
            gone = library_of(system)
            alive[:] = [each for each in alive if library_of(each) != gone]
            return None

    for system in [each for each in subject.systems if each.failure is None]:
        facts = asked(system, "ready", job=system.job) or {"error": system.failure}
        system.failure = facts.get("error")
        if system.failure is None:
            alive.append(system)
            system.peak_bytes = facts["peak_bytes"]
            seconds = asked(system, "seconds")
            system.seconds += [seconds] if seconds else []
        yield
    for _ in range(rounds):
        took = {}
        for system in [*alive]:
            if system in alive and (seconds := asked(system, "seconds")):
                took[system] = seconds
        for system, seconds in took.items():
            system.seconds.append(seconds)
            if subject.systems[0] in took:
                system.ratios.append(seconds / took[subject.systems[0]])
        yield
