"""Systems at the same work, and what was measured of them."""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

# How far an answer may be from ours, over our largest: of float32, and of 8 bits.
TOLERANCES = {"float32": 1e-4, "mixed_bfloat16": 0.1}


@dataclass(frozen=True)
class System:
    """One system at the work."""

    name: str  # for tables
    python: Path  # interpreter of its environment
    program: str  # its module, or a file that is run
    job: dict[str, Any]  # what the program reads
    # `ours`, `yardstick` (a part of ours), `peer`, or `limit` for what the machine can
    # do.
    kind: str = "peer"
    amount: float = 1.0  # images (or operations, or bytes) of one call
    absent: str | None = None  # why it cannot be run here; None if it can


@dataclass
class Result:
    """What was measured of one system."""

    name: str  # of the system; `kind` and `amount` are its own too
    kind: str = "peer"
    amount: float = 1.0
    failure: str | None = None  # why it was not measured; None if it was
    seconds: list[float] = field(default_factory=list)  # of a call, one for each run
    # Its time over the reference's, one for each run: over the mean of the runs before
    # and after it.
    ratios: list[float] = field(default_factory=list)
    # Largest difference of its answer from ours, over our largest.
    difference: float | None = None
    peak_bytes: int | None = None  # of memory, at the end
    # What its program said of itself.
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float | None:
        """Amount in a second, median over the runs."""
        return self.amount / median(self.seconds) if self.seconds else None

    @property
    def ratio(self) -> float | None:
        """How many times its time the reference needs less; median over the runs."""
        return median(self.ratios) if self.ratios else None


@dataclass
class Subject:
    """Systems at the same work, the first of them ours, and what was measured."""

    kind: str  # step, inference, input or fit
    precision: str  # keras dtype policy, or what that is elsewhere
    batch_size: int  # images in a call
    systems: tuple[System, ...] = ()  # who works
    # Limit -> what a call needs of it, in the limit's own unit.
    demands: dict[str, float] = field(default_factory=dict)
    # One for each system, in order, once they were measured.
    results: list[Result] = field(default_factory=list)

    @property
    def title(self) -> str:
        """Say what is compared."""
        return f"{self.kind}, {self.precision}, batch {self.batch_size}"

    @property
    def tolerance(self) -> float | None:
        """How far an answer may be from ours; None where there is none to compare."""
        checked = self.kind in ("step", "inference")
        return TOLERANCES[self.precision] if checked else None

    def result(self, name: str) -> Result | None:
        """Return what was measured of a system; None if nothing was."""
        found = [r for r in self.results if r.name == name and r.seconds]
        return found[0] if found else None

    def speed(self, name: str) -> float | None:
        """Return a system's speed over that of the first."""
        result = self.result(name)
        if result is None or result is self.results[0]:
            return None if result is None else 1.0
        return 1 / result.ratio if result.ratio else None

    def fastest(self, kind: str) -> str | None:
        """Return the name of the fastest of a kind."""
        named = {r.name: self.speed(r.name) for r in self.results if r.kind == kind}
        known = {name: speed for name, speed in named.items() if speed}
        return max(known, key=known.__getitem__) if known else None

    def share(self, name: str, limit: str) -> float | None:
        """Return what a system reached of what the machine can do.

        Both are taken over the first system, which was measured beside each.
        """
        speed, bound = self.speed(name), self.speed(limit)
        if speed is None or bound is None or limit not in self.demands:
            return None
        return self.demands[limit] / self.result(limit).amount * speed / bound
