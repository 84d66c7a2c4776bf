"""Which form a layer, or the update, takes of its operation: one kernel, or several."""

import contextlib
import contextvars
from collections.abc import Iterator
from dataclasses import dataclass, replace

import tensorflow as tf
from tensorflow.python.distribute import device_util
from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext


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
        host_seeds: Let the host derive what a dropout draws from, which on a GPU it
            waits for the step to do; the other form derives it on the device.
        wide_products: Multiply the 16-bit windows and kernels of an unshared
            convolution in float32. Of the gradient's sums, one a window's pixel, the
            other form rounds each part.
        lying_kernels: Multiply a dense layer's kernel as it lies for the gradient of
            its inputs; the other form turns it round first.
        compiled_norm: Let XLA compile a response normalisation, across channels or in
            maps, of many numbers in a batch that is known (see `compiled_norm.py`).
    """

    product_norm: bool = False
    split_groups: bool = False
    fit_bfloat16: bool = False
    branched_update: bool = False
    host_seeds: bool = False
    wide_products: bool = False
    lying_kernels: bool = False
    compiled_norm: bool = False


NATIVE = KernelForms()
# On CPUs each form is the faster one in every arithmetic, compiled by XLA or not, which
# has no kernels inside others.
_ON_CPU = KernelForms(*[True] * 8)
_ON_XLA_CPU = replace(_ON_CPU, compiled_norm=False)
_ON_GPU = KernelForms(product_norm=True, split_groups=True)
# (compiled by XLA, type of the inputs) -> forms on a GPU; all else is native.
# Images/s of a training step of preset `paper`, batch 128, on an NVIDIA H200. In-map
# normalisation and pools have one form everywhere.
_MEASURED_ON_GPU = {
    # TF32. Native 7,185; norm as a product 8,104; groups split too 10,632.
    (False, tf.float32): _ON_GPU,
    # Native 9,100; norm as a product 11,050; groups split too 11,363.
    (False, tf.bfloat16): _ON_GPU,
    # Native 8,588; the others were not run, and are taken to do as in bfloat16.
    (False, tf.float16): _ON_GPU,
    # TF32. Native 16,510; the others were not run, nor any in bfloat16 and float16.
    (True, tf.float32): NATIVE,
}

_ASKED_FOR = contextvars.ContextVar[KernelForms | None]("forms_asked_for", default=None)


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


def compiled_by_xla() -> bool:
    """Return whether what is being traced is part of a function that XLA compiles."""
    return GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())


def current_forms(dtype: tf.DType = tf.float32) -> KernelForms:
    """Return the forms for the device that is being traced for.

    That is the device of the scope; outside any, the first GPU that this process may
    use, or the CPU. A GPU that is there and not used changes nothing.

    Args:
        dtype: Type of what a layer takes in.
    """
    asked = _ASKED_FOR.get()
    if asked is not None:
        return asked
    kind = _device_kind()
    if kind == "CPU":
        return _ON_XLA_CPU if compiled_by_xla() else _ON_CPU
    if kind == "GPU":
        return _MEASURED_ON_GPU.get((compiled_by_xla(), dtype), NATIVE)
    return NATIVE


def _device_kind() -> str:
    named = tf.DeviceSpec.from_string(device_util.current() or "").device_type
    if named is not None:
        return named
    return "GPU" if tf.config.get_visible_devices("GPU") else "CPU"
