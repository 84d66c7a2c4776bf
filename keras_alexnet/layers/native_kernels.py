"""Whether layers take one kernel of TensorFlow each, or several that CPUs do faster."""

import contextlib
import contextvars
from collections.abc import Iterator

import tensorflow as tf

_ASKED_FOR = contextvars.ContextVar("native_kernels_asked_for", default=False)


@contextlib.contextmanager
def native_kernels() -> Iterator[None]:
    """Trace layers as one operation each, whatever the device.

    On CPUs a grouped convolution is split and a response normalisation is a matrix
    product, because TensorFlow's own kernels are slow there, above all in training.
    Another runtime has fast kernels of its own for the operations, and finds them only
    if the graph says what is meant.
    """
    token = _ASKED_FOR.set(True)
    try:
        yield
    finally:
        _ASKED_FOR.reset(token)


def wants_native_kernels() -> bool:
    """Return whether a GPU is visible or `native_kernels` is in force."""
    return _ASKED_FOR.get() or bool(tf.config.list_physical_devices("GPU"))
