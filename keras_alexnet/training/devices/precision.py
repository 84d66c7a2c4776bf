"""Which arithmetic a run takes when it is left to the device."""

from dataclasses import dataclass

import tensorflow as tf

from keras_alexnet.presets.recipe import Precision
from keras_alexnet.processor import (
    check_processor,
    computes_bfloat16,
    processor_instructions,
)
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.state.stopping import AnyWorker
from tfrecords.plain_text import say, warn

NATIVE_GPU = (8, 0)  # compute capability from which on GPUs have bfloat16: Ampere


@dataclass(frozen=True)
class Choice:
    """The arithmetic of a run.

    Attributes:
        precision: Keras dtype policy; never `auto`.
        automatic: Whether it was chosen here.
        slow: Whether float32 is faster on the devices.
        reason: What the devices have or lack.
    """

    precision: Precision
    automatic: bool
    slow: bool
    reason: str

    def say(self) -> None:
        """Print one line: what was chosen and why, or that it is slow here."""
        if self.automatic:
            say(f"Precision: {self.precision} ({self.reason}).")
        if self.slow:
            warn(f"{self.precision} is slower than float32 here: {self.reason}.")


def choose_precision(
    asked: Precision, plan: DevicePlan, own: Precision | None = None
) -> Choice:
    """Put a precision in the place of `auto`; judge one that is asked for.

    Args:
        asked: What the configuration says.
        plan: The devices. With several workers each must call this.
        own: Of the run that is resumed. It has the place of `auto`, whatever the
            devices are now; else that is mixed_bfloat16 where every device of every
            worker is faster with it, and float32 elsewhere.

    Raises:
        UserError: oneDNN is told to refuse bfloat16.
    """
    fast, reason = min(_judge(name) for name in plan.devices)  # a slow one, if any
    automatic = asked == "auto" and own is None
    if automatic and not _all_workers(fast, plan) and fast:
        fast, reason = False, "another worker is no faster with bfloat16"
    chosen: Precision = "mixed_bfloat16" if fast else "float32"
    precision = (own or chosen) if asked == "auto" else asked
    on_cpu = not any("GPU" in name for name in plan.devices)
    if on_cpu:
        check_processor(precision)
    if precision == "mixed_float16":
        return Choice(precision, automatic, on_cpu, "CPUs have no fast float16 here")
    slow = precision == "mixed_bfloat16" and not fast
    return Choice(precision, automatic, slow, reason)


def _judge(name: str) -> tuple[bool, str]:
    """Return whether bfloat16 is fast on a device, and a reason."""
    if "GPU" not in name:
        return _judge_processor()
    index = tf.DeviceSpec.from_string(name).device_index or 0
    gpu = tf.config.get_visible_devices("GPU")[index]
    capability = tf.config.experimental.get_device_details(gpu).get(
        "compute_capability", (0, 0)
    )
    text = ".".join(map(str, capability)) if any(capability) else "unknown"
    return capability >= NATIVE_GPU, f"GPU:{index} has compute capability {text}"


def _judge_processor() -> tuple[bool, str]:
    wanted = ("AMX-BF16", "AVX512-BF16")
    if computes_bfloat16():
        found = next(name for name in wanted if name in processor_instructions())
        return True, f"this processor has {found}"
    if any(name in processor_instructions() for name in wanted):
        return False, "oneDNN is switched off by TF_ENABLE_ONEDNN_OPTS"
    return False, f"this processor has neither {' nor '.join(wanted)}"


def _all_workers(fast: bool, plan: DevicePlan) -> bool:
    """Return what is true of every worker; all must ask."""
    here = 1 if plan.strategy is None else len(plan.strategy.extended.worker_devices)
    if plan.strategy is None or plan.replicas == here:
        return fast
    return not AnyWorker(plan.strategy).any([not fast])[0]
