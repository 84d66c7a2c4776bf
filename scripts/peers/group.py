"""What a part of the comparison consists of: groups of systems at the same work."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers.contestant import Contestant, Result
from peers.environment import Environment

PRECISIONS = ("float32", "mixed_bfloat16")
# How far an answer may be from ours, over our largest: of float32, and of 8 bits.
TOLERANCES = {"float32": 1e-4, "mixed_bfloat16": 0.1}


@dataclass(frozen=True)
class Settings:
    """What all parts are told.

    Attributes:
        environment: Of the peers.
        folder: Scratch; big files stay there.
        cores: Numbers of the processor cores that each may use.
        rounds: Measurements of each.
        seconds: Least duration of a measurement.
        precisions: To be measured.
        batch_sizes: Images in a call; None takes the part's own.
        network: `classes`, `side` of the pictures and `overrides` of the preset.
        data: Dataset folder; None where the part needs none.
        pictures: Of the input pipelines.
        steps: Of a measurement of `fit`.
        names: The contestants to take; None takes all.
    """

    environment: Environment
    folder: Path
    cores: tuple[int, ...]
    rounds: int
    seconds: float
    precisions: tuple[str, ...]
    batch_sizes: tuple[int, ...] | None
    network: dict[str, Any]
    data: Path | None
    pictures: int
    steps: int
    names: tuple[str, ...] | None = None

    def job(self, precision: str, batch_size: int, **fields: Any) -> dict[str, Any]:
        """Return what the worker of every system reads, with further fields."""
        return {
            **self.network,
            "precision": precision,
            "batch_size": batch_size,
            "threads": len(self.cores),
            "seconds": self.seconds,
            "dropout": 0.5,
            "rate": 0.00001,  # two steps move the loss by a hundredth
            "bias_rate": 1.0,  # stock Keras knows no other
            "decay": 0.0005,
            **fields,
        }


@dataclass(frozen=True)
class Group:
    """Systems at the same work, the first of them ours.

    Attributes:
        part: Of the comparison.
        precision: Keras dtype policy, or what that is elsewhere.
        batch_size: Images in a call.
        contestants: Who works.
        tolerance: See `contest.hold`.
        demands: Limit -> what a call needs of it, in the limit's own unit.
    """

    part: str
    precision: str
    batch_size: int
    contestants: tuple[Contestant, ...]
    tolerance: float | None = None
    demands: dict[str, float] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Say which group of which part it is."""
        return f"{self.part}, {self.precision}, batch {self.batch_size}"

    def taking(self, names: tuple[str, ...] | None) -> "Group":
        """Return the group of the contestants of these names; ours stays."""
        if names is None:
            return self
        first, *rest = self.contestants
        kept = (first, *(c for c in rest if c.name in names))
        return Group(**{**vars(self), "contestants": kept})


@dataclass(frozen=True)
class Measured:
    """A group and what was measured of it.

    Attributes:
        group: Who worked at what.
        results: One for each contestant, in order.
    """

    group: Group
    results: list[Result]

    def result(self, name: str) -> Result | None:
        """Return what was measured of a contestant; None if nothing was."""
        found = [r for r in self.results if r.name == name and r.seconds]
        return found[0] if found else None

    def speed(self, name: str) -> float | None:
        """Return a contestant's speed over that of the first."""
        result = self.result(name)
        if result is None:
            return None
        if result is self.results[0]:
            return 1.0
        ratio = result.ratio
        return 1 / ratio if ratio else None

    def fastest(self, kind: str) -> str | None:
        """Return the name of the fastest of a kind."""
        named = {r.name: self.speed(r.name) for r in self.results if r.kind == kind}
        known = {name: speed for name, speed in named.items() if speed}
        return max(known, key=known.__getitem__) if known else None

    def share(self, name: str, limit: str) -> float | None:
        """Return what a contestant reached of what the machine can do.

        Both are taken over the first contestant, which was measured beside each.
        """
        speed, bound = self.speed(name), self.speed(limit)
        if speed is None or bound is None or limit not in self.group.demands:
            return None
        amount = self.result(limit).amount  # type: ignore[union-attr]
        return self.group.demands[limit] / amount * speed / bound
