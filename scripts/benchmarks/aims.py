"""What is aimed at, and whether it was reached."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from keras_alexnet.record import Figure
from scripts.benchmarks.system import FASTEST, Subject, System

TEXTS = {
    "speed": "{ours}: ≥ {bound:.2f} × the speed of {other}",
    "share": "{ours}: ≥ {bound:.0%} of {other}",
    "memory": "{ours}: peak memory ≤ {bound:.2f} × {other}'s",
    "fit": "{ours}: ≥ {bound:.0%} of what {other} allow",
}


@dataclass(frozen=True)
class Aim:
    """What ours is to reach beside another, in subjects of a kind."""

    subject: str  # kind of the subjects that it is for
    precision: str  # of the subjects that it is for
    measure: str  # of `TEXTS`
    other: str  # who is compared with, or which limit
    bound: float  # what is aimed at
    batch_size: int | None = None  # of the subjects that it is for; None is any
    ours: str = "ours"  # which of ours

    @property
    def text(self) -> str:
        """Say the aim in words."""
        return TEXTS[self.measure].format(**vars(self))

    def name(self, title: str) -> str:
        """Return the name of its figure, of a subject with this title."""
        return f"{title}: aim: {self.text}"

    def value(self, measured: Subject) -> float | None:
        """Return what was reached; None if it was not measured."""
        if self.measure == "fit":
            return allowed_share(measured)
        ours, other = measured.find(self.ours), measured.find(self.other)
        if ours is None or other is None:
            return None
        if self.measure == "share":
            return measured.share(ours, self.other)
        if self.measure == "speed":
            return ours.speed / other.speed
        known = ours.peak_bytes and other.peak_bytes
        return ours.peak_bytes / other.peak_bytes if known else None

    def met(self, value: float) -> bool:
        """Return whether a value reaches the aim."""
        return value <= self.bound if self.measure == "memory" else value >= self.bound

    def concerns(self, measured: Subject) -> bool:
        """Return whether it is for this subject."""
        size = self.batch_size or measured.batch_size
        mine = self.subject, self.precision, size
        return mine == (measured.kind, measured.precision, measured.batch_size)


def allowed_share(measured: Subject) -> float | None:
    """Return how close `fit` comes to step and pipeline on the same cores."""
    step, pipeline = map(measured.find, ("ours, step alone", "ours, pipeline alone"))
    if step is None or pipeline is None:
        return None
    return 1 / step.speed + 1 / pipeline.speed / len(measured.cores)


_BEST, _PEER = FASTEST["ours"], FASTEST["peer"]
_STEP32, _STEP16 = ("step", "float32"), ("step", "mixed_bfloat16")
_ANSWER32, _ANSWER16 = ("inference", "float32"), ("inference", "mixed_bfloat16")
_INPUT = ("input", "float32")
_FIT32, _FIT16 = ("fit", "float32"), ("fit", "mixed_bfloat16")
AIMS = (
    Aim(*_STEP32, "speed", "stock Keras", 4.0),
    Aim(*_STEP32, "speed", "PyTorch", 2.2),
    Aim(*_STEP32, "speed", "torch.compile", 1.5),
    Aim(*_STEP32, "share", "matrix product", 0.80),
    Aim(*_STEP32, "memory", "stock Keras", 1.0, 128),
    Aim(*_STEP16, "speed", "ours in float32", 1.8),
    Aim(*_STEP16, "speed", "PyTorch", 2.5),
    Aim(*_STEP16, "share", "matrix product", 0.75),
    Aim(*_STEP16, "memory", "stock Keras", 1.0, 128),
    Aim(*_ANSWER32, "speed", "ONNX Runtime", 1.5, 64, _BEST),
    Aim(*_ANSWER32, "share", "matrix product", 0.85, 64, _BEST),
    Aim(*_ANSWER16, "share", "matrix product", 0.85, 64, _BEST),
    Aim(*_ANSWER32, "speed", _PEER, 1 / 1.1, 1, _BEST),
    Aim(*_ANSWER16, "speed", _PEER, 1 / 1.1, 1, _BEST),
    Aim(*_INPUT, "speed", "torchvision", 3.0),
    Aim(*_INPUT, "speed", "DALI", 1.0),
    Aim(*_INPUT, "speed", "FFCV", 1.0),
    Aim(*_INPUT, "share", "libjpeg", 0.85, ours="ours, uint8 crops"),
    Aim(*_INPUT, "share", "libjpeg", 3.0, ours="ours, uint8 crops of raw shards"),
    Aim(*_FIT16, "fit", "step and pipeline", 0.95),
    Aim(*_FIT32, "fit", "step and pipeline", 0.95),
    Aim(*_FIT16, "speed", "PyTorch", 2.2),
    Aim(*_FIT32, "speed", "PyTorch", 2.2),
)


def figures_of(subject: Subject, aims: Iterable[Aim] = AIMS) -> Iterator[Figure]:
    """Yield the rate of each system, beside ours, and what was reached of the aims."""
    for system in subject.systems:
        name = f"{subject.title}: {system.name}"
        yield Figure(name, system.rate, system.unit, _beside(subject, system))
    for aim in (aim for aim in aims if aim.concerns(subject)):
        value = aim.value(subject)
        met = "not measured" if value is None else "met" if aim.met(value) else "missed"
        yield Figure(aim.name(subject.title), value, "", met)


def _beside(subject: Subject, system: System) -> str:
    if system.failure is not None:
        return f"not measured: {system.failure}"
    if system.kind == "limit":
        return "limit of the machine"
    said = []
    if system is not subject.systems[0] and system.ratios:
        spread = f"{min(system.ratios):.2f} to {max(system.ratios):.2f}"
        said.append(f"ours {1 / system.speed:.2f} × as fast ({spread})")
    shares = {limit: subject.share(system, limit) for limit in subject.demands}
    said += [f"{share:.0%} of {limit}" for limit, share in shares.items() if share]
    if system.difference:
        said.append(f"differs by {system.difference:.0e}")
    if system.peak_bytes:
        said.append(f"peak {system.peak_bytes / 1e6:,.0f} MB")
    return ", ".join(said)
