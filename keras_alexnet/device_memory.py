"""How much memory TensorFlow takes of a device, has of it, and what to say at its end.

Open to all rooms; TensorFlow is imported at first use.
"""

import contextlib
import re
from collections.abc import Callable, Iterator

from keras_alexnet.machine import memory_bytes
from tfrecords.errors import UserError

GIGABYTE = 1_000_000_000
_MEBIBYTE = 1 << 20  # TensorFlow's MB of a limit
# What TensorFlow, its CPU kernels and XLA say. A full disk is ResourceExhausted too.
_OUT_OF_MEMORY = re.compile(r"OOM when allocating|[Oo]ut of memory|ailed to allocate")
_WHERE = re.compile(r"OOM when allocating[^\n]*device:(\w+:\d+)")


def grow_gpu_memory() -> None:
    """Let TensorFlow take of each GPU what it needs, not the whole card at once.

    Does nothing where the program has settled it already, or has started the devices;
    TF_FORCE_GPU_ALLOW_GROWTH has the last word in TensorFlow itself.
    """
    import tensorflow as tf

    settings = tf.config.experimental
    gpus = tf.config.list_physical_devices("GPU")
    split = map(tf.config.get_logical_device_configuration, gpus)
    if any(split) or any(settings.get_memory_growth(gpu) is not None for gpu in gpus):
        return
    with contextlib.suppress(RuntimeError):  # too late
        for gpu in gpus:
            settings.set_memory_growth(gpu, True)


def limit_gpu_memory(gigabytes: float) -> None:
    """Let TensorFlow take no more than so much of each GPU that it may use.

    TensorFlow then takes it at once: what has a limit does not grow, unless
    TF_FORCE_GPU_ALLOW_GROWTH is true.

    Args:
        gigabytes: In 1e9 bytes, at least 0.1.

    Raises:
        UserError: There is no GPU, or TensorFlow has started them already.
    """
    import tensorflow as tf

    gpus = tf.config.get_visible_devices("GPU")
    if not gpus:
        raise UserError(
            f"Expected a GPU for --memory-limit {gigabytes:g}, TensorFlow sees none. "
            "Leave it out: on CPUs there is no limit to set."
        )
    limit = int(gigabytes * GIGABYTE) // _MEBIBYTE
    try:
        for gpu in gpus:
            part = tf.config.LogicalDeviceConfiguration(memory_limit=limit)
            tf.config.set_logical_device_configuration(gpu, [part])
    except RuntimeError:
        raise UserError(
            f"Expected to set --memory-limit {gigabytes:g} before TensorFlow uses a "
            "GPU, but this program has used one. Set it first of all."
        ) from None


def device_bytes(device: str) -> int | None:
    """Return the bytes that TensorFlow may take of a device; None: it does not say.

    Args:
        device: Such as `GPU:0`, or a name that ends in `device:GPU:0`: its limit, or
            the card less what others held at the start. `CPU:0`: the machine's memory;
            its part, where the CPU is split.
    """
    import tensorflow as tf

    device = device.rpartition("device:")[2]
    if device.startswith("CPU"):
        memory = memory_bytes()
        parts = len(tf.config.list_logical_devices("CPU")) or 1
        return None if memory is None else memory // parts
    return _limits().get(device)


def _limits() -> dict[str, int]:
    """Return the bytes that TensorFlow may take of each device; {} if it hides them."""
    try:
        from tensorflow.python import pywrap_tfe
        from tensorflow.python.client import pywrap_tf_session as session
        from tensorflow.python.eager import context

        runtime = context.context()
        runtime.ensure_initialized()  # a handle is there once devices are started
        devices = pywrap_tfe.TFE_ContextListDevices(runtime._handle)
        try:
            return {
                session.TF_DeviceListName(devices, i).partition("device:")[2]: (
                    session.TF_DeviceListMemoryBytes(devices, i)
                )
                for i in range(session.TF_DeviceListCount(devices))
            }
        finally:
            session.TF_DeleteDeviceList(devices)
    except (ImportError, AttributeError, TypeError):
        return {}


def exhausted_device(error: BaseException) -> str | None:
    """Return which device has no memory left, such as `GPU:0`.

    Returns:
        None for any other error; "" where TensorFlow does not say which.
    """
    import tensorflow as tf

    if not isinstance(error, tf.errors.ResourceExhaustedError):
        return None
    text = str(error)
    if not _OUT_OF_MEMORY.search(text):
        return None
    where = _WHERE.search(text)
    return where[1] if where else ""


@contextlib.contextmanager
def memory_explained(
    device: str, explain: Callable[[str, int | None], str]
) -> Iterator[None]:
    """Turn TensorFlow's error that a device's memory is at its end into a UserError.

    Args:
        device: That is meant where TensorFlow names none.
        explain: From the device and its bytes (see `device_bytes`) to the message.

    Raises:
        UserError: The memory of a device does not suffice for what is in the block.
    """
    try:
        yield
    except Exception as error:
        found = exhausted_device(error)
        if found is None:
            raise
        device = found or device
        raise UserError(explain(device, device_bytes(device))) from error


def memory_text(device: str, available: int | None) -> str:
    """Return such as `the 14.7 GB of GPU:0`, in 1e9 bytes."""
    size = "memory" if available is None else f"{available / GIGABYTE:.1f} GB"
    return f"the {size} of {device}"
