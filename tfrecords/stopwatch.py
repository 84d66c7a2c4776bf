"""Where the seconds of a work go, by phase: by the clock, and of the processor."""

import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field

REST = "rest"


@dataclass(frozen=True)
class Seconds:
    """What something took.

    Attributes:
        clock: Seconds by the clock.
        processor: Seconds of processor time of this process, all threads together.
    """

    clock: float = 0.0
    processor: float = 0.0

    @classmethod
    def now(cls) -> "Seconds":
        """Return the time of both clocks; only differences mean anything."""
        return cls(time.perf_counter(), time.process_time())

    def __add__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.clock + other.clock, self.processor + other.processor)

    def __sub__(self, other: "Seconds") -> "Seconds":
        return Seconds(self.clock - other.clock, self.processor - other.processor)


@dataclass
class Stopwatch:
    """Seconds of phases, and of all.

    Attributes:
        phases: What each phase took so far, in the order of their beginnings.
        running: Whether one is being measured.
    """

    phases: dict[str, Seconds] = field(default_factory=dict)
    running: bool = False
    _begun: Seconds = field(default_factory=Seconds.now)

    def add(self, phases: Mapping[str, Seconds]) -> None:
        """Add what phases took elsewhere."""
        for name, seconds in phases.items():
            self.phases[name] = self.phases.get(name, Seconds()) + seconds

    @property
    def spent(self) -> Seconds:
        """What all phases took so far."""
        return sum(self.phases.values(), Seconds())

    def end(self, elsewhere: Seconds | None = None) -> None:
        """Make a phase of its own of what belonged to none since the beginning.

        Args:
            elsewhere: What another stopwatch counted meanwhile; None: nothing.
        """
        known = self.spent + (elsewhere or Seconds())
        self.add({REST: Seconds.now() - self._begun - known})


_UNMEASURED = nullcontext()
_watch: ContextVar[Stopwatch | None] = ContextVar("watch", default=None)


@contextmanager
def stopwatch(measure: bool = True) -> Iterator[Stopwatch]:
    """Measure the phases of the block, and not those of what surrounds it.

    Args:
        measure: Otherwise nothing is measured, which would take its own time.
    """
    watch = Stopwatch()
    token = _watch.set(watch if measure else None)
    try:
        yield watch
    finally:
        _watch.reset(token)


def phase(name: str) -> AbstractContextManager[None]:
    """Return what adds the seconds of a block to a phase, if anyone measures.

    Of phases inside each other the outermost has all.
    """
    watch = _watch.get()
    if watch is None or watch.running:
        return _UNMEASURED
    return _phase(watch, name)


@contextmanager
def _phase(watch: Stopwatch, name: str) -> Iterator[None]:
    watch.running, begun = True, Seconds.now()
    watch.add({name: Seconds()})
    try:
        yield
    finally:
        watch.running = False
        watch.add({name: Seconds.now() - begun})
