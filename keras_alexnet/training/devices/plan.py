"""Which devices a training run computes on, and how its replicas share the work."""

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import tensorflow as tf

from keras_alexnet.data import BatchRows
from keras_alexnet.device_memory import grow_gpu_memory, limit_gpu_memory
from keras_alexnet.towers.devices import check_device
from keras_alexnet.training.devices import StrategyName
from keras_alexnet.training.devices.cluster import find_cluster
from tfrecords.errors import UserError

MOST_PARTS = 256  # of a CPU
PREFETCHED = 2  # batches that wait on a GPU
GPU_STEPS = 8  # of a call: a choice that was not timed, some 50 ms on an NVIDIA H200


@dataclass(frozen=True)
class DevicePlan:
    """Where a training run computes.

    Attributes:
        strategy: Strategy of data-parallel training, or None for one replica.
        towers: Devices of the two towers of each replica in this process, in turn; ()
            for a network in one piece.
    """

    strategy: tf.distribute.Strategy | None = None
    towers: tuple[str, ...] = ()

    @property
    def replicas(self) -> int:
        """Number of replicas in all processes; each works on its part of the batch."""
        return 1 if self.strategy is None else self.strategy.num_replicas_in_sync

    @property
    def devices(self) -> tuple[str, ...]:
        """Names of the devices of this process that compute."""
        if self.towers:
            return self.towers
        if self.strategy is not None:
            return tuple(self.strategy.extended.worker_devices)
        return ("GPU:0",) if tf.config.get_visible_devices("GPU") else ("CPU:0",)

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files of the run."""
        return self.strategy is None or self.strategy.extended.should_checkpoint

    def scope(self) -> contextlib.AbstractContextManager:
        """Return the context in which network, optimizer and metrics are made."""
        return (
            contextlib.nullcontext() if self.strategy is None else self.strategy.scope()
        )

    def check_batch(self, batch_size: int) -> None:
        """Raise UserError for a global batch that does not divide by the replicas."""
        BatchRows(replicas=self.replicas).replica_batch(batch_size)

    @property
    def on_gpus(self) -> bool:
        """Whether GPUs compute."""
        return all("GPU" in name for name in self.devices)

    @property
    def group_size(self) -> int:
        """Steps that `fit` takes in one call, unless told; see `StepLoop`."""
        return GPU_STEPS if self.on_gpus and self.strategy is None else 1

    def distribute(
        self, make: Callable[..., tf.data.Dataset], again: bool = False
    ) -> tf.data.Dataset | tf.distribute.DistributedDataset:
        """Return the dataset that `fit` takes, copied ahead to the GPUs it is for.

        Of two towers each copies what it reads in the step itself.

        Args:
            make: Makes the dataset of one input pipeline. Called without arguments it
                is the whole one; with `rows=BatchRows(...)` it yields the batches of
                the replicas that have those rows, in turn.
            again: Whether it is read again and again, as for validation.
        """
        if self.strategy is None:
            batches = make()
            if not self.on_gpus or self.towers:
                return batches
            # Keras cannot count what is on a device, and would not read it again.
            batches = batches.repeat() if again else batches
            return batches.apply(
                tf.data.experimental.prefetch_to_device(self.devices[0], PREFETCHED)
            )
        options = tf.data.Options()
        # The rows are the sharding: TensorFlow's own is by file.
        options.experimental_distribute.auto_shard_policy = (
            tf.data.experimental.AutoShardPolicy.OFF
        )

        def pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
            rows = BatchRows(
                context.input_pipeline_id,
                context.num_input_pipelines,
                context.num_replicas_in_sync,
            )
            return make(rows=rows).with_options(options)

        return self.strategy.distribute_datasets_from_function(pipeline)


ONE_DEVICE = DevicePlan()


def plan_devices(
    name: StrategyName = "none",
    *,
    towers: bool = False,
    devices: Sequence[str] | None = None,
    logical_devices: int | None = None,
    memory_limit: float | None = None,
) -> DevicePlan:
    """Choose the devices of a run. To be called before anything else uses TensorFlow.

    From then on TensorFlow takes the memory of GPUs as it needs it.

    Args:
        name: `none` is one device, `towers` two that hold half of the network each,
            `mirrored` a replica on each of several devices, `multiworker` replicas in
            several processes, found in TF_CONFIG or the variables of a Slurm step.
        towers: Whether each replica is two towers on two devices; with `mirrored` and
            `multiworker`.
        devices: Names such as `GPU:0`; None takes all GPUs, and if there are none but
            the CPU is split, the parts of the CPU. With towers they go in pairs.
        logical_devices: Split the CPU into so many devices, `CPU:0` and on: to try a
            strategy out, not for speed.
        memory_limit: Take so many GB (1e9 bytes) of each GPU, at once, and no more.

    Raises:
        UserError: The devices do not suffice, or the cluster is not described.
        UserError: A device that does not exist, or options that exclude each other.
    """
    if name in ("none", "towers") and towers:
        raise UserError(
            "Expected --towers with --strategy mirrored or multiworker, got "
            f"--strategy {name}. Two towers alone are --strategy towers."
        )
    if name == "none" and devices is not None:
        raise UserError(
            f"Expected no --devices with --strategy none, got {','.join(devices)}. "
            "Choose a GPU with CUDA_VISIBLE_DEVICES."
        )
    grow_gpu_memory()
    if memory_limit is not None:
        _limit_memory(memory_limit, devices)
    if logical_devices is not None:
        _split_cpu(logical_devices)
    if name == "multiworker":
        return _several_workers(towers, devices)
    if name == "none":
        return DevicePlan()
    chosen = _devices(devices, name, 2 if name == "towers" or towers else 1)
    if name == "towers":
        return DevicePlan(towers=chosen)
    if not towers:
        return DevicePlan(tf.distribute.MirroredStrategy(chosen))
    return DevicePlan(tf.distribute.MirroredStrategy(chosen[::2]), chosen)


def _split_cpu(count: int) -> None:
    if not 1 <= count <= MOST_PARTS:
        raise UserError(
            f"Expected --logical-devices of 1 or more, at most {MOST_PARTS}, got "
            f"{count}."
        )
    parts = [tf.config.LogicalDeviceConfiguration() for _ in range(count)]
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, parts)
    # With parts of a CPU, TensorFlow forgets that the memory of GPUs is to grow.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")


def _limit_memory(gigabytes: float, asked: Sequence[str] | None) -> None:
    if asked is not None and not any("GPU" in device.upper() for device in asked):
        raise UserError(
            f"Expected GPUs in --devices with --memory-limit {gigabytes:g}, got "
            f"{','.join(asked)}. Leave --memory-limit out."
        )
    limit_gpu_memory(gigabytes)


def _devices(asked: Sequence[str] | None, name: str, group: int) -> tuple[str, ...]:
    """Return devices that exist: those asked for, or all GPUs, or parts of the CPU."""
    if asked is None:
        found = tf.config.list_logical_devices("GPU")
        found = found or tf.config.list_logical_devices("CPU")[: _parts_of_cpu()]
        chosen = [device.name for device in found]
        if name == "towers":
            chosen = chosen[:2]
    else:
        chosen = [check_device(device) for device in asked]
    if len({*chosen}) < len(chosen):
        raise UserError(f"Expected each device once, got {', '.join(chosen)}.")
    if not chosen or len(chosen) % group or (name == "towers" and len(chosen) != 2):
        there = ", ".join(d.name for d in tf.config.list_logical_devices())
        raise UserError(
            f"Expected {_need(name, group)} for --strategy {name}, got "
            f"{len(chosen)}; this machine has {there}. Name them with --devices, or "
            "try it out with --logical-devices 4, which splits the CPU."
        )
    return tuple(chosen)


def _parts_of_cpu() -> int:
    """Return the number of parts the CPU was split into, or 0 if it was not."""
    count = len(tf.config.list_logical_devices("CPU"))
    return count if count > 1 else 0


def _need(name: str, group: int) -> str:
    if group == 1:
        return "GPUs"
    return "two devices" if name == "towers" else "pairs of devices, two a replica"


def _several_workers(towers: bool, asked: Sequence[str] | None) -> DevicePlan:
    """Join the other workers; returns when all are there."""
    cluster = find_cluster()
    gpus = _choose_gpus(asked)
    if towers and gpus not in (0, 2):
        raise UserError(
            f"Expected two GPUs in each worker for --towers, got {gpus}. Start a "
            "worker for each pair, with CUDA_VISIBLE_DEVICES or --devices."
        )
    replicas = 1 if towers else gpus
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        cluster.workers,
        task_type=cluster.job,
        task_id=cluster.task,
        num_accelerators={"GPU": replicas} if replicas else {},
        rpc_layer="grpc",
    )
    strategy = tf.distribute.MultiWorkerMirroredStrategy(resolver)
    plan = DevicePlan(strategy, _pair(gpus, asked) if towers else ())
    workers = strategy.extended._num_workers
    print(
        f"Worker {strategy.extended._id_in_cluster} of {workers} has joined; "
        f"{plan.replicas} replicas.",
        flush=True,
    )
    return plan


def _pair(gpus: int, asked: Sequence[str] | None) -> tuple[str, ...]:
    if gpus:
        return ("/device:GPU:0", "/device:GPU:1")  # those asked for, as renumbered
    return _devices(asked, "multiworker", 2)[:2]


def _choose_gpus(asked: Sequence[str] | None) -> int:
    """Let TensorFlow see the GPUs asked for, without starting it; return how many."""
    there = tf.config.list_physical_devices("GPU")
    if asked is None or not any("GPU" in device.upper() for device in asked):
        if asked is not None:
            tf.config.set_visible_devices([], "GPU")
            return 0
        return len(there)
    try:
        chosen = [there[tf.DeviceSpec.from_string(name).device_index] for name in asked]
    except (IndexError, TypeError, ValueError):
        raise UserError(
            f"Expected GPUs out of {len(there)} on this machine, got {','.join(asked)}."
        ) from None
    tf.config.set_visible_devices(chosen, "GPU")
    return len(chosen)
