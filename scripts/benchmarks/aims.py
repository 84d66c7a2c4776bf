"""What is aimed at, and whether it was reached."""

import os
from dataclasses import dataclass

from scripts.benchmarks import subjects as names
from scripts.benchmarks.system import Subject

ANY_PEER = "fastest peer"


@dataclass(frozen=True)
class Aim:
    """One aim."""

    subject: str  # kind of the subjects that it is for
    precision: str  # of the subjects that it is for
    # `speed` is ours over another's, `share` ours of what the machine can do, `memory`
    # our peak over another's, `fit` ours over what step and pipeline allow together.
    measure: str
    other: str  # who is compared with, or which limit
    bound: float  # what is aimed at
    batch_size: int | None = None  # of the subjects that it is for; None is any
    ours: str | None = names.OURS  # which of ours; None is the fastest

    @property
    def at_most(self) -> bool:
        """Whether less is better."""
        return self.measure == "memory"

    @property
    def text(self) -> str:
        """Say the aim in words."""
        sign = "≤" if self.at_most else "≥"
        ours = self.ours or "the fastest of ours"
        return {
            "speed": f"{ours}: {sign} {self.bound:.2f} × the speed of {self.other}",
            "share": f"{ours}: {sign} {self.bound:.0%} of {self.other}",
            "memory": f"{ours}: peak memory {sign} {self.bound:.2f} × {self.other}'s",
            "fit": f"{ours}: {sign} {self.bound:.0%} of what {self.other} allow",
        }[self.measure]

    def value(self, measured: Subject) -> float | None:
        """Return what was reached; None if it was not measured."""
        ours = self.ours or measured.fastest("ours")
        if ours is None:
            return None
        if self.measure == "share":
            return measured.share(ours, self.other)
        if self.measure == "fit":
            return allowed_share(measured)
        other = measured.fastest("peer") if self.other == ANY_PEER else self.other
        results = measured.result(ours), measured.result(other or "")
        if None in results:
            return None
        if self.measure == "memory":
            peaks = [result.peak_bytes for result in results]
            return peaks[0] / peaks[1] if all(peaks) else None
        return measured.speed(ours) / measured.speed(other)

    def met(self, value: float) -> bool:
        """Return whether a value reaches the aim."""
        return value <= self.bound if self.at_most else value >= self.bound

    def concerns(self, measured: Subject) -> bool:
        """Return whether it is for this subject."""
        mine = (self.subject, self.precision)
        sizes = (None, measured.batch_size)
        return mine == (measured.kind, measured.precision) and self.batch_size in sizes


def allowed_share(measured: Subject) -> float | None:
    """Return how close `fit` comes to step and pipeline on the same cores."""
    step = measured.result(names.STEP_ALONE)
    pipeline = measured.result(names.PIPELINE_ALONE)
    if step is None or pipeline is None:
        return None
    cores = pipeline.facts.get("cores") or os.cpu_count() or 1
    return step.ratio + pipeline.ratio / cores


_STEP32, _STEP16 = ("step", "float32"), ("step", "mixed_bfloat16")
_ANSWER32, _ANSWER16 = ("inference", "float32"), ("inference", "mixed_bfloat16")
_INPUT = ("input", "float32")
_FIT32, _FIT16 = ("fit", "float32"), ("fit", "mixed_bfloat16")
AIMS = (
    Aim(*_STEP32, "speed", names.STOCK, 4.0),
    Aim(*_STEP32, "speed", names.EAGER, 2.2),
    Aim(*_STEP32, "speed", names.COMPILED, 1.5),
    Aim(*_STEP32, "share", names.MATRIX, 0.80),
    Aim(*_STEP32, "memory", names.STOCK, 1.0, 128),
    Aim(*_STEP16, "speed", names.OURS_FLOAT32, 1.8),
    Aim(*_STEP16, "speed", names.EAGER, 2.5),
    Aim(*_STEP16, "share", names.MATRIX, 0.75),
    Aim(*_STEP16, "memory", names.STOCK, 1.0, 128),
    Aim(*_ANSWER32, "speed", names.ONNX, 1.5, 64, None),
    Aim(*_ANSWER32, "share", names.MATRIX, 0.85, 64, None),
    Aim(*_ANSWER16, "share", names.MATRIX, 0.85, 64, None),
    Aim(*_ANSWER32, "speed", ANY_PEER, 1 / 1.1, 1, None),
    Aim(*_ANSWER16, "speed", ANY_PEER, 1 / 1.1, 1, None),
    Aim(*_INPUT, "speed", names.TORCHVISION, 3.0),
    Aim(*_INPUT, "speed", names.DALI, 1.0),
    Aim(*_INPUT, "speed", names.FFCV, 1.0),
    Aim(*_INPUT, "share", names.LIBJPEG, 0.85, ours=names.OURS_CROPS),
    Aim(*_INPUT, "share", names.LIBJPEG, 3.0, ours=names.OURS_RAW),
    Aim(*_FIT16, "fit", "step and pipeline", 0.95),
    Aim(*_FIT32, "fit", "step and pipeline", 0.95),
    Aim(*_FIT16, "speed", names.EAGER, 2.2),
    Aim(*_FIT32, "speed", names.EAGER, 2.2),
)
