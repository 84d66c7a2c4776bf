"""One system at the work, and what was measured of it."""

from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any


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
