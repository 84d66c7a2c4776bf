#!/usr/bin/env python
"""Project training to many GPUs and machines from stated assumptions.

    python scripts/benchmarks/projection.py --gpu-rate 2500 --json projection.json

Nothing is run: bytes come from the layer table, times from the options.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.benchmark import traffic
from keras_alexnet.models.layer_table import CHANNELS, CONV_LAYERS, layer_table
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from keras_alexnet.towers.crossings import crossing_bytes

MB, GB, MICROSECOND = 1e6, 1e9, 1e-6
MACHINES = ((1, 1), (1, 8), (8, 1), (8, 8), (256, 1), (256, 8))  # GPUs in each
SIZES = (2, 8, 64, 256)  # devices of the table of bytes
PAPER_BATCH = 128  # section 5


@dataclass(frozen=True)
class ProjectionOptions(MeasureOptions):
    """Work out larger machines from what is assumed of them; nothing is run."""

    gpu_rate: float = 2500.0
    """Training rate of one GPU alone, images/s."""
    gpu_batch: int = 128
    """Images a GPU in a step."""
    preset: str = "released"
    """Network."""
    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of activations."""
    inside: float = 50.0
    """From GPU to GPU in a machine, GB/s in each direction."""
    inside_latency: float = 10.0
    """The same, microseconds a message."""
    between: float = 10.0
    """From machine to machine, GB/s in each direction; its GPUs share it."""
    between_latency: float = 50.0
    """The same, microseconds a message."""
    core_rate: float = 700.0
    """Pictures that one core decodes and augments in a second."""
    picture_bytes: float = 26_000.0
    """Mean size of a stored picture."""


@dataclass(frozen=True)
class Link:
    """What joins neighbours of a ring."""

    bandwidth: float  # bytes per second, in each direction at once
    latency: float  # seconds from the start of a transfer to its first byte

    def seconds(self, size: float, messages: int) -> float:
        """Return how long `messages` take, one after the other, of `size` bytes."""
        return size / self.bandwidth + messages * self.latency


@dataclass(frozen=True)
class Machines:
    """Equal machines of equal GPUs."""

    machines: int  # how many
    gpus: int  # in each machine
    inside: Link  # from GPU to GPU in a machine
    between: Link  # from machine to machine; the GPUs of a machine share it

    @property
    def replicas(self) -> int:
        """All GPUs."""
        return self.machines * self.gpus


@dataclass(frozen=True)
class Workload:
    """What every GPU has to do in a step."""

    preset: Preset  # the network
    batch_size: int  # images a GPU in a step
    images_per_second: float  # training rate of one GPU alone with this batch
    dtype: str = "float32"  # of activations: float32, bfloat16 or float16
    num_classes: int = 1000  # outputs of fc8

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
    """Seconds of a step."""

    compute: float  # arithmetic, the same on every GPU
    communication: float  # transfers, if nothing ran beside them
    hidden: float  # the part of them that arithmetic which does not need them can cover

    @property
    def slowest(self) -> float:
        """Nothing runs beside the transfers."""
        return self.compute + self.communication

    @property
    def fastest(self) -> float:
        """All that can be hidden is."""
        return self.slowest - self.hidden


def data_parallel_step(work: Workload, place: Machines) -> StepTime:
    """Project data parallel training.

    Gradients are added up in a ring inside each machine, then between the machines,
    where a machine's GPUs each send their part of the sums. The gradients of the dense
    layers, 96 % of all, come first in the backward pass: their transfer can be hidden
    behind the backward pass of the convolutions, and no more.
    """
    every = _all_reduce(work, place, tuple(layer_table(work.preset)))
    dense = _all_reduce(work, place, ("fc6", "fc7", "fc8"))
    return StepTime(work.compute, every, min(dense, work.conv_backward))


def hybrid_step(
    work: Workload, place: Machines, scheme: traffic.Scheme = "c"
) -> StepTime:
    """Project the hybrid of Krizhevsky 2014 within each machine.

    Machines of one GPU are its workers themselves. Between machines of several GPUs
    training is data parallel, each GPU sending the gradients that it has.

    The inputs of fc6 and their gradients travel in rounds. While one round is computed
    the next comes in and the gradients of the one before go out: the first and the last
    wait. Those of fc7 and fc8 wait for their layer and are not hidden.

    Raises:
        ValueError: The scheme is unknown, or needs a batch that divides further.
    """
    single = place.gpus == 1
    workers = place.machines if single else place.gpus
    link = place.between if single else place.inside
    batch, classes = workers * work.batch_size, work.num_classes
    every = traffic.hybrid_bytes(work.preset, workers, batch, work.dtype, classes)
    sent = {name: size / workers for name, size in every.items()}
    rounds = traffic.scheme_rounds(work.preset, workers, batch, scheme, work.dtype)
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
    if not single and place.machines > 1:
        outside = Machines(place.machines, 1, place.inside, place.between)
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


def _all_reduce(work: Workload, place: Machines, layers: tuple[str, ...]) -> float:
    seconds = 0.0
    tiers = ((place.gpus, place.inside), (place.machines, place.between))
    for count, link in tiers:
        by_layer = traffic.data_parallel_bytes(work.preset, count, work.num_classes)
        size = sum(by_layer[name] for name in layers) / count
        seconds += link.seconds(size, 2 * (count - 1))
    return seconds


def measure(options: ProjectionOptions) -> Record:
    """Return bytes and times of larger machines, and what their input must deliver."""
    figures = [
        *_bytes_sent(find_preset(options.preset), options.gpu_batch),
        *_projected(options, None),
        *_projected(options, PAPER_BATCH),
        *input_of_8_gpus(options),
    ]
    notes = ["Projected from the options; nothing was measured."]
    title = "Training on larger machines: projected, not measured"
    return Record.now("devices", title, figures, notes, asdict(options))


def _bytes_sent(preset: Preset, own: int) -> Iterator[Figure]:
    """Yield what a device sends, the mean of all, if each has the work of `own` images.

    Two towers have all images of both, and half of the work on each.
    """
    for devices in SIZES:
        ways = ["data parallel", "hybrid"]
        ways += ["towers"] if devices == 2 and max(preset.groups) > 1 else []
        for way in ways:
            every = (way, preset, devices, devices * own)
            wide, narrow = (_sent(*every, dtype) for dtype in ("float32", "bfloat16"))
            name = f"sent by one of {devices} devices, {own} images each, {way}"
            beside = f"{narrow / devices / MB:,.1f} MB in bfloat16"
            yield Figure(name, wide / devices / MB, "MB", beside)


def _sent(way: str, preset: Preset, devices: int, batch_size: int, dtype: str) -> int:
    if way == "towers":
        return crossing_bytes(preset, batch_size, dtype)
    if way == "data parallel":
        return sum(traffic.data_parallel_bytes(preset, devices).values())
    return sum(traffic.hybrid_bytes(preset, devices, batch_size, dtype).values())


def _projected(options: ProjectionOptions, whole: int | None) -> Iterator[Figure]:
    """Yield the speed-up of each way on each kind of machines.

    Args:
        options: What is assumed.
        whole: Images of all GPUs together; None: the batch of each is as given.
    """
    preset = find_preset(options.preset)
    inside = Link(options.inside * GB, options.inside_latency * MICROSECOND)
    between = Link(options.between * GB, options.between_latency * MICROSECOND)
    for machines, gpus in MACHINES:
        place = Machines(machines, gpus, inside, between)
        if whole is not None and whole % place.replicas:
            continue
        own = options.gpu_batch if whole is None else whole // place.replicas
        work = Workload(preset, own, options.gpu_rate, options.dtype)
        for way, time in _ways(work, place):
            least, most = speed_up(time, place.replicas)
            name = f"speed-up, {machines} x {gpus} GPUs, {own} images each, {way}"
            compute, transfers, hidden = (
                f"{1e3 * seconds:,.1f}"
                for seconds in (time.compute, time.communication, time.hidden)
            )
            beside = f"{least:,.1f} if no transfer is hidden; arithmetic {compute} ms, "
            beside += f"transfers {transfers}, hideable {hidden}"
            yield Figure(name, most, "x", beside)


def _ways(work: Workload, place: Machines) -> Iterator[tuple[str, StepTime]]:
    yield "data parallel", data_parallel_step(work, place)
    schemes: tuple[traffic.Scheme, ...] = ("a", "b", "c")
    for scheme in schemes if place.replicas > 1 else ():
        try:
            yield f"hybrid {scheme}", hybrid_step(work, place, scheme)
        except ValueError:
            continue  # scheme c needs a batch that divides once more


def input_of_8_gpus(options: ProjectionOptions) -> Iterator[Figure]:
    """Yield what the input side of a machine of 8 GPUs must deliver."""
    images = 8 * options.gpu_rate
    pixels = CHANNELS * find_preset(options.preset).input_size ** 2
    name = "input of 8 GPUs"
    yield Figure(f"{name}: pictures", images, "a second")
    yield Figure(f"{name}: busy cores", images / options.core_rate)
    yield Figure(f"{name}: from disk", images * options.picture_bytes / MB, "MB/s")
    # A byte each: see `keras_alexnet.data.PixelBatch`.
    yield Figure(f"{name}: to the GPUs, uint8", images * pixels / GB, "GB/s")


if __name__ == "__main__":
    run_as_script(measure)
