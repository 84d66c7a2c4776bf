"""What the device that computes takes float32 for, and how much memory it needed."""

import gc
from typing import Any

import tensorflow as tf

from keras_alexnet.training.devices.precision import NATIVE_GPU

TF32 = "float32 (TF32)"


def gpu_name() -> str | None:
    """Return the name of the GPU that computes; None where the CPU does."""
    return "GPU:0" if tf.config.get_visible_devices("GPU") else None


def arithmetic(precision: str) -> str:
    """Say what a precision means here: TF32, which is named, or itself.

    A GPU of compute capability 8.0 and up multiplies float32 with 10 bits of fraction,
    unless TensorFlow is told not to.
    """
    gpus = tf.config.get_visible_devices("GPU")
    if precision != "float32" or not gpus:
        return precision
    details: dict[str, Any] = tf.config.experimental.get_device_details(gpus[0])
    able = details.get("compute_capability", (0, 0)) >= NATIVE_GPU
    short = tf.config.experimental.tensor_float_32_execution_enabled()
    return TF32 if able and short else precision


def forget_peak() -> None:
    """Let `peak_bytes` count from now on, what is held now included."""
    gc.collect()  # networks of before are circles
    if gpu := gpu_name():
        tf.config.experimental.reset_memory_stats(gpu)


def peak_bytes() -> int | None:
    """Return the most memory of the GPU that was held at once, in bytes.

    None without a GPU: TensorFlow does not count what it takes of a CPU's.
    """
    gpu = gpu_name()
    if gpu is None:
        return None
    return tf.config.experimental.get_memory_info(gpu)["peak"]
