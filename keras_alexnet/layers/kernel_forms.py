"""Which form a layer, or the update, takes of its operation: one kernel, or several."""

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass

import tensorflow as tf
from tensorflow.python.distribute import device_util


@dataclass(frozen=True)
class KernelForms:
    """How layers compute; all forms have the same values, gradients and weights.

    Attributes:
        product_norm: Sum the window of a local response normalisation by a matrix
            product, with its gradient written out, not by TensorFlow's LRN kernels.
        split_groups: Convolve the groups of a grouped convolution one by one.
        fit_bfloat16: Fold the stride of a bfloat16 convolution over few channels into
            channels, and compute bfloat16 convolutions in float32 where the processor
            has no instructions for them.
        branched_update: Update a weight by one fused kernel in a branch that is not
            taken where it is frozen. On a GPU the host waits for the step to choose the
            branch, 16 times a step; the other form chooses by arithmetic.
    """

    product_norm: bool = False
    split_groups: bool = False
    fit_bfloat16: bool = False
    branched_update: bool = False


NATIVE = KernelForms()
_ON_CPU = KernelForms(True, True, True, True)
_ON_GPU = KernelForms(product_norm=True, split_groups=True)
# (kind of device, compiled by XLA) -> forms; any other device takes the native ones.
# GPU: NVIDIA H200, preset `paper`, batch 128, images/s of a training step in TF32 and
# bfloat16: native 7,185 and 9,100, norm as a product 8,104 and 11,050, groups split too
# 10,632 and 11,363. Compiled by XLA: native 16,510 in TF32; others were not run.
_MEASURED = {
    ("CPU", False): _ON_CPU,
    ("CPU", True): _ON_CPU,
    ("GPU", False): _ON_GPU,
    ("GPU", True): NATIVE,
}

_ASKED_FOR = contextvars.ContextVar[KernelForms | None]("forms_asked_for", default=None)
_COMPILED = contextvars.ContextVar("compiled_by_xla", default=False)


@contextlib.contextmanager
def use_forms(forms: KernelForms) -> Iterator[None]:
    """Trace layers in these forms, whatever the device.

    `NATIVE` is for other runtimes, which have fast kernels of their own for the whole
    operations and find them only if the graph says what is meant.
    """
    token = _ASKED_FOR.set(forms)
    try:
        yield
    finally:
        _ASKED_FOR.reset(token)


@contextlib.contextmanager
def compiled_by_xla(compiled: bool) -> Iterator[None]:
    """Say whether XLA compiles what is traced in the block."""
    token = _COMPILED.set(compiled)
    try:
        yield
    finally:
        _COMPILED.reset(token)


def current_forms() -> KernelForms:
    """Return the forms for the device that is being traced for.

    That is the device of the scope; outside any, the first GPU that this process may
    use, or the CPU. A GPU that is there and not used changes nothing.
    """
    asked = _ASKED_FOR.get()
    if asked is not None:
        return asked
    return _MEASURED.get((_device_kind(), _COMPILED.get()), NATIVE)


def _device_kind() -> str:
    named = tf.DeviceSpec.from_string(device_util.current() or "").device_type
    if named is not None:
        return named
    return "GPU" if tf.config.get_visible_devices("GPU") else "CPU"
