"""What is aimed at, and whether it was reached."""

import os
from dataclasses import dataclass

from peers.group import Measured

OURS, OURS_FLOAT32 = "ours", "ours in float32"
OURS_OPENVINO = "ours, runtime openvino"
# As `fit` takes them: the mean is subtracted where the network is.
OURS_CROPS, OURS_RAW = "ours, uint8 crops", "ours, uint8 crops of raw shards"
STEP_ALONE, PIPELINE_ALONE = "ours, step alone", "ours, pipeline alone"
STOCK, EAGER, COMPILED, JAX = "stock Keras", "PyTorch", "torch.compile", "JAX"
ONNX, OPENVINO, LITERT = "ONNX Runtime", "OpenVINO", "LiteRT"
TORCHVISION, KERAS_LAYERS, TFDS = "torchvision", "Keras layers", "tensorflow-datasets"
DALI, FFCV = "DALI", "FFCV"
MATRIX, MEMORY, LIBJPEG = "matrix product", "reading memory", "libjpeg"
ANY_PEER = "fastest peer"


@dataclass(frozen=True)
class Target:
    """One aim.

    Attributes:
        part: Of the comparison.
        precision: Of the groups that it is for.
        batch_size: Of the groups that it is for; None is any.
        measure: `speed` is ours over another's, `share` ours of what the machine can
            do, `memory` our peak over another's, `fit` ours over what step and pipeline
            allow together.
        other: Who is compared with, or which limit.
        bound: What is aimed at.
        ours: Which of ours; None is the fastest.
    """

    part: str
    precision: str
    measure: str
    other: str
    bound: float
    batch_size: int | None = None
    ours: str | None = OURS

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

    def value(self, measured: Measured) -> float | None:
        """Return what was reached; None if it was not measured."""
        ours = self.ours or measured.fastest("ours")
        if ours is None:
            return None
        if self.measure == "share":
            return measured.share(ours, self.other)
        if self.measure == "fit":
            return allowed_share(measured)
        other = measured.fastest("peer") if self.other == ANY_PEER else self.other
        if other is None:
            return None
        if self.measure == "memory":
            return _memory(measured, ours, other)
        speeds = measured.speed(ours), measured.speed(other)
        return None if None in speeds else speeds[0] / speeds[1]  # type: ignore

    def met(self, value: float) -> bool:
        """Return whether a value reaches the aim."""
        return value <= self.bound if self.at_most else value >= self.bound

    def concerns(self, measured: Measured) -> bool:
        """Return whether it is for this group."""
        group = measured.group
        return (
            group.part == self.part
            and group.precision == self.precision
            and self.batch_size in (None, group.batch_size)
        )


def _memory(measured: Measured, ours: str, other: str) -> float | None:
    peaks = [
        result.peak_bytes
        for result in map(measured.result, (ours, other))
        if result is not None and result.peak_bytes
    ]
    return peaks[0] / peaks[1] if len(peaks) == 2 else None


def allowed_share(measured: Measured) -> float | None:
    """Return how close `fit` comes to step and pipeline on the same cores."""
    step, pipeline = map(measured.result, (STEP_ALONE, PIPELINE_ALONE))
    if step is None or pipeline is None:
        return None
    assert step.ratio is not None and pipeline.ratio is not None
    cores = pipeline.facts.get("cores") or os.cpu_count() or 1
    return step.ratio + pipeline.ratio / cores


_STEP32, _STEP16 = ("step", "float32"), ("step", "mixed_bfloat16")
_FIT16 = ("fit", "mixed_bfloat16")
TARGETS = (
    Target(*_STEP32, "speed", STOCK, 4.0),
    Target(*_STEP32, "speed", EAGER, 2.2),
    Target(*_STEP32, "speed", COMPILED, 1.5),
    Target(*_STEP32, "share", MATRIX, 0.80),
    Target(*_STEP32, "memory", STOCK, 1.0, 128),
    Target(*_STEP16, "speed", OURS_FLOAT32, 1.8),
    Target(*_STEP16, "speed", EAGER, 2.5),
    Target(*_STEP16, "share", MATRIX, 0.75),
    Target(*_STEP16, "memory", STOCK, 1.0, 128),
    Target("inference", "float32", "speed", ONNX, 1.5, 64, None),
    Target("inference", "float32", "share", MATRIX, 0.85, 64, None),
    Target("inference", "mixed_bfloat16", "share", MATRIX, 0.85, 64, None),
    Target("inference", "float32", "speed", ANY_PEER, 1 / 1.1, 1, None),
    Target("inference", "mixed_bfloat16", "speed", ANY_PEER, 1 / 1.1, 1, None),
    Target("input", "float32", "speed", TORCHVISION, 3.0),
    Target("input", "float32", "speed", DALI, 1.0),
    Target("input", "float32", "speed", FFCV, 1.0),
    Target("input", "float32", "share", LIBJPEG, 0.85, ours=OURS_CROPS),
    Target("input", "float32", "share", LIBJPEG, 3.0, ours=OURS_RAW),
    Target(*_FIT16, "fit", "step and pipeline", 0.95),
    Target("fit", "float32", "fit", "step and pipeline", 0.95),
    Target(*_FIT16, "speed", EAGER, 2.2),
    Target("fit", "float32", "speed", EAGER, 2.2),
)
