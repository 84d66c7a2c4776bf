"""The devices of two towers: their names, the plan of them, and the scope of one."""

import contextlib
import contextvars
from collections.abc import Iterator, Sequence

import tensorflow as tf

from tfrecords.errors import UserError

_PLAN: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar(
    "device_plan", default=()
)


@contextlib.contextmanager
def tower_devices(devices: Sequence[str] | None) -> Iterator[None]:
    """Give the layers that are made inside their devices; None or () places nothing.

    The plan is no part of a layer's configuration: a saved network loads on one device,
    or inside this context on those of the new plan.

    Args:
        devices: Such as `("GPU:0", "GPU:1")`: tower a's, then tower b's. With replicas,
            a pair for each replica of this process, in turn. All must exist.

    Raises:
        UserError: Not pairs, or a device that TensorFlow does not have. TensorFlow
            itself would quietly take another one.
    """
    plan = tuple(check_device(device) for device in devices or ())
    if len(plan) % 2:
        raise UserError(
            "Towers need two devices a replica, such as ('GPU:0', 'GPU:1'). "
            f"Received: {tuple(devices or ())}"
        )
    token = _PLAN.set(plan)
    try:
        yield
    finally:
        _PLAN.reset(token)


def check_device(device: str) -> str:
    """Return the full local name of a device, such as `/device:GPU:0`.

    Raises:
        UserError: It is no device name, or TensorFlow has no such device here.
    """
    there = sorted({short_name(d.name) for d in tf.config.list_logical_devices()})
    try:
        short = short_name(device)
    except ValueError:
        short = device
    if short not in there:
        raise UserError(
            f"Expected a device of this process, one of {', '.join(there)}. "
            f"Received: {device!r}. `nvidia-smi` lists GPUs; one that TensorFlow does "
            "not see is hidden by CUDA_VISIBLE_DEVICES or lacks its libraries."
        )
    return f"/device:{short}"


def short_name(device: str) -> str:
    """Return a device's name without job and task, such as `GPU:0`."""
    spec = tf.DeviceSpec.from_string(device)
    return f"{spec.device_type}:{spec.device_index}"


def planned_places(tower: int) -> tuple[str, ...]:
    """Return a tower's device in each replica of this process; () without a plan.

    Args:
        tower: 0 for tower a, 1 for tower b.
    """
    return _PLAN.get()[tower::2]


def device_scope(places: Sequence[str]) -> contextlib.AbstractContextManager:
    """Return the scope of one device for what is computed in it.

    Args:
        places: The device of a tower in each replica of this process, in turn; () for
            wherever TensorFlow puts it.
    """
    if not places:
        return contextlib.nullcontext()
    return tf.device(places[_replica() % len(places)])


def _replica() -> int:
    """Return which of this process's replicas is at work."""
    context = tf.distribute.get_replica_context()
    if context is None or not tf.distribute.has_strategy():
        return 0
    replica = int(tf.get_static_value(context.replica_id_in_sync_group))
    return replica % len(context.strategy.extended.worker_devices)
