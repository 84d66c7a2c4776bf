"""What a training step would take on machines that are described, not measured."""

from dataclasses import dataclass

from keras_alexnet.benchmark.traffic import (
    Scheme,
    data_parallel_bytes,
    hybrid_bytes,
    scheme_rounds,
)
from keras_alexnet.models.layer_table import CHANNELS, CONV_LAYERS, layer_table
from keras_alexnet.presets import Preset


@dataclass(frozen=True)
class Link:
    """What joins neighbours of a ring.

    Attributes:
        bandwidth: Bytes per second, in each direction at once.
        latency: Seconds from the start of a transfer to its first byte.
    """

    bandwidth: float
    latency: float

    def seconds(self, size: float, messages: int) -> float:
        """Return how long `messages` take, one after the other, of `size` bytes."""
        return size / self.bandwidth + messages * self.latency


@dataclass(frozen=True)
class Cluster:
    """Equal machines of equal GPUs.

    Attributes:
        machines: How many.
        gpus: In each machine.
        inside: From GPU to GPU in a machine.
        between: From machine to machine; the GPUs of a machine share it.
    """

    machines: int
    gpus: int
    inside: Link
    between: Link

    @property
    def replicas(self) -> int:
        """All GPUs."""
        return self.machines * self.gpus


@dataclass(frozen=True)
class Workload:
    """What every GPU has to do in a step.

    Attributes:
        preset: The network.
        batch_size: Images a GPU in a step.
        images_per_second: Training rate of one GPU alone with this batch.
        dtype: Of activations: float32, bfloat16 or float16.
        num_classes: Outputs of fc8.
    """

    preset: Preset
    batch_size: int
    images_per_second: float
    dtype: str = "float32"
    num_classes: int = 1000

    @property
    def compute(self) -> float:
        """Seconds of arithmetic in a step."""
        return self.batch_size / self.images_per_second

    @property
    def conv_backward(self) -> float:
        """Seconds of the backward pass of the convolutions, by their arithmetic."""
        conv, dense, first = self._macs()
        return self.compute * (2 * conv - first) / (3 * (conv + dense) - first)

    @property
    def dense(self) -> float:
        """Seconds of forward and backward pass of the dense layers."""
        conv, dense, first = self._macs()
        return self.compute * 3 * dense / (3 * (conv + dense) - first)

    def _macs(self) -> tuple[int, int, int]:
        table = layer_table(self.preset, self.num_classes)
        conv = sum(table[name].macs for name in CONV_LAYERS)
        total = sum(layer.macs for layer in table.values())
        # Images need no gradient, so conv1 has no third product.
        return conv, total - conv, table["conv1"].macs


@dataclass(frozen=True)
class StepTime:
    """Seconds of a step.

    Attributes:
        compute: Arithmetic, the same on every GPU.
        communication: Transfers, if nothing ran beside them.
        hidden: The part of them that arithmetic which does not need them can cover.
    """

    compute: float
    communication: float
    hidden: float

    @property
    def slowest(self) -> float:
        """Nothing runs beside the transfers."""
        return self.compute + self.communication

    @property
    def fastest(self) -> float:
        """All that can be hidden is."""
        return self.slowest - self.hidden


def data_parallel_step(work: Workload, cluster: Cluster) -> StepTime:
    """Project data parallel training.

    Gradients are added up in a ring inside each machine, then between the machines,
    where a machine's GPUs each send their part of the sums. The gradients of the dense
    layers, 96 % of all, come first in the backward pass: their transfer can be hidden
    behind the backward pass of the convolutions, and no more.
    """
    every = _all_reduce(work, cluster, tuple(layer_table(work.preset)))
    dense = _all_reduce(work, cluster, ("fc6", "fc7", "fc8"))
    return StepTime(work.compute, every, min(dense, work.conv_backward))


def hybrid_step(work: Workload, cluster: Cluster, scheme: Scheme = "c") -> StepTime:
    """Project the hybrid of Krizhevsky 2014 within each machine.

    Machines of one GPU are its workers themselves. Between machines of several GPUs
    training is data parallel, each GPU sending the gradients that it has.

    The inputs of fc6 and their gradients travel in rounds. While one round is computed
    the next comes in and the gradients of the one before go out: the first and the last
    wait. Those of fc7 and fc8 wait for their layer and are not hidden.

    Raises:
        ValueError: The scheme is unknown, or needs a batch that divides further.
    """
    single = cluster.gpus == 1
    workers = cluster.machines if single else cluster.gpus
    link = cluster.between if single else cluster.inside
    sent = {
        name: size / workers
        for name, size in hybrid_bytes(
            work.preset,
            workers,
            workers * work.batch_size,
            work.dtype,
            work.num_classes,
        ).items()
    }
    rounds = scheme_rounds(
        work.preset, workers, workers * work.batch_size, scheme, work.dtype
    )
    exchange = min(1, workers - 1)  # to all others at once: one latency
    conv = link.seconds(sent["convolutions"], 2 * (workers - 1))
    one = link.seconds(rounds.sent, exchange)
    left = max(0.0, 2 * one - work.dense / rounds.count)  # of a round, uncovered
    waiting = 2 * one + (rounds.count - 1) * left
    narrow = sum(
        sent[name] for name in ("fc6", "fc7", "gradient of fc6", "gradient of fc7")
    )
    # Four exchanges a round, and one for the softmax.
    later = link.seconds(narrow + sent["softmax"], 5 * exchange * rounds.count)
    inputs = 2 * rounds.count * one
    communication, hidden = conv + inputs + later, inputs - waiting
    if not single and cluster.machines > 1:
        outside = Cluster(cluster.machines, 1, cluster.inside, cluster.between)
        plain = data_parallel_step(work, outside)
        communication += plain.communication
        hidden += plain.hidden
    return StepTime(work.compute, communication, hidden)


def speed_up(time: StepTime, replicas: int) -> tuple[float, float]:
    """Return images per second over those of one GPU: nothing hidden, all hidden."""
    return (
        replicas * time.compute / time.slowest,
        replicas * time.compute / time.fastest,
    )


def _all_reduce(work: Workload, cluster: Cluster, layers: tuple[str, ...]) -> float:
    seconds = 0.0
    tiers = ((cluster.gpus, cluster.inside), (cluster.machines, cluster.between))
    for count, link in tiers:
        by_layer = data_parallel_bytes(work.preset, count, work.num_classes)
        size = sum(by_layer[name] for name in layers) / count
        seconds += link.seconds(size, 2 * (count - 1))
    return seconds


@dataclass(frozen=True)
class InputNeed:
    """What feeding a machine's GPUs takes.

    Attributes:
        images_per_second: Of all GPUs of the machine.
        cores: Busy with decoding and augmentation.
        disk: Bytes per second of shards, if nothing is cached.
        host_to_gpu: Bytes per second of uint8 crops to all GPUs together.
    """

    images_per_second: float
    cores: float
    disk: float
    host_to_gpu: float


def input_need(
    images_per_second: float, per_core: float, picture_bytes: float, input_size: int
) -> InputNeed:
    """Return what a machine's input side must deliver.

    Args:
        images_per_second: What its GPUs train on together.
        per_core: Images that one core decodes and augments in a second.
        picture_bytes: Mean size of a stored picture.
        input_size: Side of the crops, pixels.
    """
    pixels = CHANNELS * input_size**2
    return InputNeed(
        images_per_second,
        images_per_second / per_core,
        images_per_second * picture_bytes,
        images_per_second * pixels,  # a byte each: see `keras_alexnet.data.PixelBatch`
    )
