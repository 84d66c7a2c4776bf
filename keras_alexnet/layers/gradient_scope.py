"""Names of the operations of a gradient that is written out."""

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import tensorflow as tf


def gradient_scope() -> Callable[[], AbstractContextManager[Any]]:
    """Return what opens a scope in the gradient: that of TensorFlow's own gradients.

    They bear the name of the layer that is traced now. Those of a function of
    `tf.custom_gradient` would bear none, and profiles, graphs and `alexnet devices`
    could not tell whose they are.
    """
    scope = tf.get_current_name_scope()
    if not scope:  # no layer's call
        return contextlib.nullcontext
    return lambda: tf.name_scope(f"gradient_tape/{scope}/")
