"""Systems at the same work, and what was measured of them."""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

FASTEST = {"ours": "the fastest of ours", "peer": "fastest peer"}  # of a kind
# How far an answer may be from ours, over our largest: of float32, and of 8 bits.
TOLERANCES = {"float32": 1e-4, "mixed_bfloat16": 0.1}


@dataclass(eq=False)
class System:
    """One system at the work, and what was measured of it."""

    name: str  # for tables
    python: Path  # interpreter of its environment
    program: str  # its module, or a file that is run
    job: dict[str, Any]  # what the program reads
    # `ours`, `yardstick` (a part of ours), `peer`, or `limit` of the machine.
    kind: str = "peer"
    amount: float = 1.0  # of one call, in its unit
    unit: str = "images/s"
    failure: str | None = None  # why it was not measured; None if it was
    seconds: list[float] = field(default_factory=list)  # of a call, one for each run
    # Its time over that of the first system, of which it is 1, one for each run: over
    # the mean of the runs before and after it.
    ratios: list[float] = field(default_factory=list)
    difference: float | None = None  # of its answer from ours, over our largest
    peak_bytes: int | None = None  # of memory, at the end

    @property
    def rate(self) -> float | None:
        """Amount in a second, median over the runs."""
        return self.amount / median(self.seconds) if self.seconds else None

    @property
    def speed(self) -> float:
        """Its speed over that of the first, median over the runs."""
        return 1 / median(self.ratios)


@dataclass
class Subject:
    """Systems at the same work, the first of them ours."""

    kind: str  # step, inference, input or fit
    precision: str  # keras dtype policy, or what that is elsewhere
    batch_size: int  # images in a call
    systems: list[System]
    cores: tuple[int, ...]  # numbers of the processor cores that each may use
    demands: dict[str, float]  # limit -> what a call needs of it, in its unit

    @property
    def title(self) -> str:
        """Say what is compared."""
        return f"{self.kind}, {self.precision}, batch {self.batch_size}"

    @property
    def tolerance(self) -> float | None:
        """How far an answer may be from ours; None where there is none to compare."""
        checked = self.kind in ("step", "inference")
        return TOLERANCES[self.precision] if checked else None

    def find(self, name: str) -> System | None:
        """Return the measured system of a name, or that which `FASTEST` calls so."""
        known = [system for system in self.systems if system.ratios]
        found = [s for s in known if name in (s.name, FASTEST.get(s.kind))]
        return max(found, key=lambda system: system.speed, default=None)

    def share(self, system: System, limit: str) -> float | None:
        """Return what a system reached of a limit, both over the first beside them."""
        bound = self.find(limit)
        if bound is None or not system.ratios or limit not in self.demands:
            return None
        return self.demands[limit] / bound.amount * system.speed / bound.speed
