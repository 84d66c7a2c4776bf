"""Which arithmetic a run takes when it is left to the device."""

from collections.abc import Sequence
from dataclasses import dataclass

import tensorflow as tf

from keras_alexnet.presets.recipe import Precision
from keras_alexnet.processor import (
    check_processor,
    computes_bfloat16,
    processor_instructions,
)
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.state.stopping import any_worker
from tfrecords.plain_text import say, warn

NATIVE_GPU = (8, 0)  # compute capability from which on GPUs have bfloat16: Ampere
TENSOR_CORES = (7, 0)  # and from which on they have fast float16: Volta
UNKNOWN = (0, 0)  # of a GPU that does not say


@dataclass(frozen=True)
class Choice:
    """The arithmetic of a run.

    Attributes:
        precision: Keras dtype policy; never `auto`.
        automatic: Whether it was chosen here.
        slow: Whether float32 is faster on the devices.
        reason: What the devices have or lack.
        better: What to take by name in place of it, or "".
    """

    precision: Precision
    automatic: bool
    slow: bool
    reason: str
    better: str = ""

    def say(self) -> None:
        """Print one line: what was chosen and why, or that it is slow here."""
        if self.automatic:
            hint = f"; {self.better}" if self.better else ""
            say(f"Precision: {self.precision} ({self.reason}{hint}).")
        if self.slow:
            hint = self.better or "take float32"
            warn(
                f"{self.precision} is slower than float32 here: {self.reason}; {hint}."
            )


def choose_precision(
    asked: Precision, plan: DevicePlan, own: Precision | None = None
) -> Choice:
    """Put a precision in the place of `auto`; judge one that is asked for.

    Args:
        asked: What the configuration says.
        plan: The devices. With several workers each must call this.
        own: Of the run that is resumed. It has the place of `auto`, whatever the
            devices are now; else that is mixed_bfloat16 where every device of every
            worker is faster with it, and float32 elsewhere. It is never mixed_float16,
            whose loss scaling leaves out steps: that is for a user to choose.

    Raises:
        UserError: oneDNN is told to refuse bfloat16.
    """
    fast, reason = min(_judge(name) for name in plan.devices)  # a slow one, if any
    better = "" if fast else _advice(plan.devices)
    automatic = asked == "auto" and own is None
    if automatic and any_worker(not fast, plan.strategy) and fast:
        fast, reason = False, "another worker is no faster with bfloat16"
    chosen: Precision = "mixed_bfloat16" if fast else "float32"
    precision = (own or chosen) if asked == "auto" else asked
    on_cpu = not any("GPU" in name for name in plan.devices)
    if on_cpu:
        check_processor(precision)
    if precision == "mixed_float16":
        slow, lack = _judge_float16(plan.devices)
        return Choice(precision, automatic, slow, lack)
    slow = precision == "mixed_bfloat16" and not fast
    return Choice(precision, automatic, slow, reason, better)


def _judge(name: str) -> tuple[bool, str]:
    """Return whether bfloat16 is fast on a device, and a reason."""
    if "GPU" not in name:
        return _judge_processor()
    capability = _capability(name)
    return capability >= NATIVE_GPU, _said(name, capability)


def _judge_float16(devices: Sequence[str]) -> tuple[bool, str]:
    """Return whether float16 is slow on a device, and a reason."""
    for name in devices:
        if "GPU" not in name:
            return True, "CPUs have no fast float16 here"
        if UNKNOWN < (capability := _capability(name)) < TENSOR_CORES:
            return True, _said(name, capability)
    return False, "these GPUs have tensor cores"


def _advice(devices: Sequence[str]) -> str:
    """Return what would be faster where bfloat16 is not; "" if nothing would."""
    if all("GPU" in d and _capability(d) >= TENSOR_CORES for d in devices):
        return "--precision mixed_float16 would use its tensor cores, in a new run"
    return ""


def _capability(name: str) -> tuple[int, int]:
    gpu = tf.config.get_visible_devices("GPU")[_index(name)]
    details = tf.config.experimental.get_device_details(gpu)
    return details.get("compute_capability", UNKNOWN)


def _said(name: str, capability: tuple[int, int]) -> str:
    known = capability != UNKNOWN
    text = ".".join(map(str, capability)) if known else "unknown"
    return f"GPU:{_index(name)} has compute capability {text}"


def _index(name: str) -> int:
    return tf.DeviceSpec.from_string(name).device_index or 0


def _judge_processor() -> tuple[bool, str]:
    wanted = ("AMX-BF16", "AVX512-BF16")
    if computes_bfloat16():
        found = next(name for name in wanted if name in processor_instructions())
        return True, f"this processor has {found}"
    if any(name in processor_instructions() for name in wanted):
        return False, "oneDNN is switched off by TF_ENABLE_ONEDNN_OPTS"
    return False, f"this processor has neither {' nor '.join(wanted)}"
