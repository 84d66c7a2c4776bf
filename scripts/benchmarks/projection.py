#!/usr/bin/env python
"""Project training to many GPUs and machines from stated assumptions.

    python scripts/benchmarks/projection.py --gpu-rate 2500 --json projection.json

Nothing is run: bytes come from the layer table, times from the options.
"""

import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, NamedTuple

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.benchmark import traffic
from keras_alexnet.models.layer_table import CHANNELS, CONV_LAYERS, layer_table
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from keras_alexnet.towers.crossings import crossing_bytes

PRESET = find_preset("released")
DENSE_LAYERS = ("fc6", "fc7", "fc8")
MB, GB, MICROSECOND = 1e6, 1e9, 1e-6
PLACES = ((1, 1), (1, 8), (8, 1), (8, 8), (256, 1), (256, 8))  # machines, GPUs in each
DEVICES = (2, 8, 64, 256)  # of the table of bytes
PAPER_BATCH = 128  # section 5
CORE_RATE = 700  # pictures that one core decodes and augments in a second
PICTURE_BYTES = 26_000  # mean size of a stored picture


@dataclass(frozen=True)
class ProjectionOptions(MeasureOptions):
    """Work out larger machines from what is assumed of them; nothing is run."""

    gpu_rate: float = 2500.0  # training rate of one GPU alone, images/s
    gpu_batch: int = 128  # images a GPU in a step
    dtype: Literal["float32", "bfloat16"] = "float32"  # of activations
    inside: float = 50.0  # GPU to GPU in a machine, GB/s in each direction
    inside_latency: float = 10.0  # the same, microseconds a message
    between: float = 10.0  # machine to machine, GB/s each way; its GPUs share it
    between_latency: float = 50.0  # the same, microseconds a message

    def seconds(self, link: str, size: float, messages: int) -> float:
        """Return how long `messages`, one after the other, take for `size` bytes."""
        bandwidth, latency = getattr(self, link), getattr(self, f"{link}_latency")
        return size / (GB * bandwidth) + messages * MICROSECOND * latency


class Machines(NamedTuple):
    """Equal machines of equal GPUs, and the images of each GPU in a step."""

    machines: int
    gpus: int  # in each machine
    batch_size: int  # of each GPU


class StepTime(NamedTuple):
    """Seconds of a step."""

    compute: float  # arithmetic, the same on every GPU
    transfers: float  # if nothing ran beside them
    hidden: float  # the part of them that arithmetic which does not need them can cover

    def speed_up(self, replicas: int) -> tuple[float, float]:
        """Return images/s over those of one GPU: nothing hidden, all that can be."""
        work, slowest = replicas * self.compute, self.compute + self.transfers
        return work / slowest, work / (slowest - self.hidden)


def shares_of_step() -> tuple[float, float]:
    """Return the shares of the convolutions' backward pass and of the dense layers."""
    macs = {name: layer.macs for name, layer in layer_table(PRESET).items()}
    conv = sum(macs[name] for name in CONV_LAYERS)
    dense = sum(macs[name] for name in DENSE_LAYERS)
    # Images need no gradient, so conv1 has no third product.
    whole = 3 * (conv + dense) - macs["conv1"]
    return (2 * conv - macs["conv1"]) / whole, 3 * dense / whole


def data_parallel_step(assumed: ProjectionOptions, place: Machines) -> StepTime:
    """Project data parallel training.

    Gradients are added up in a ring inside each machine, then between the machines,
    where a machine's GPUs each send their part. Those of the dense layers, 96 % of all,
    come first: the backward pass of the convolutions, and no more, can hide them.
    """

    def all_reduce(layers: tuple[str, ...]) -> float:
        seconds = 0.0
        for link, count in (("inside", place.gpus), ("between", place.machines)):
            sent = traffic.data_parallel_bytes(PRESET, count)
            size = sum(sent[name] for name in layers) / count
            seconds += assumed.seconds(link, size, 2 * (count - 1))
        return seconds

    compute = place.batch_size / assumed.gpu_rate
    hidden = min(all_reduce(DENSE_LAYERS), shares_of_step()[0] * compute)
    return StepTime(compute, all_reduce((*CONV_LAYERS, *DENSE_LAYERS)), hidden)


def hybrid_step(
    assumed: ProjectionOptions, place: Machines, scheme: traffic.Scheme
) -> StepTime:
    """Project the hybrid of Krizhevsky 2014 within each machine.

    Machines of one GPU are its workers themselves. Between machines of several GPUs
    training is data parallel, each GPU sending the gradients that it has.

    The inputs of fc6 and their gradients travel in rounds. While one round is computed
    the next comes in and the gradients of the one before go out: the first and the last
    wait. Those of fc7 and fc8 wait for their layer and are not hidden.

    Raises:
        ValueError: The scheme needs a batch that divides further.
    """
    single = place.gpus == 1
    link, workers = ("between", place.machines) if single else ("inside", place.gpus)
    job = (PRESET, workers, workers * place.batch_size)
    sent = traffic.hybrid_bytes(*job, assumed.dtype)
    rounds = traffic.scheme_rounds(*job, scheme, assumed.dtype)
    exchange = min(1, workers - 1)  # to all others at once: one latency
    conv = assumed.seconds(link, sent["convolutions"] / workers, 2 * (workers - 1))
    narrow = ("fc6", "fc7", "gradient of fc6", "gradient of fc7", "softmax")
    size = sum(sent[name] for name in narrow) / workers
    # Four exchanges a round, and one for the softmax.
    later = assumed.seconds(link, size, 5 * exchange * rounds.count)
    both = 2 * assumed.seconds(link, rounds.sent, exchange)  # inputs and gradients
    compute = place.batch_size / assumed.gpu_rate
    waiting = max(0.0, both - shares_of_step()[1] * compute / rounds.count)
    # None between machines whose only GPUs are the workers.
    outside = Machines(1 if single else place.machines, 1, place.batch_size)
    plain = data_parallel_step(assumed, outside)
    transfers = conv + rounds.count * both + later + plain.transfers
    hidden = (rounds.count - 1) * (both - waiting) + plain.hidden
    return StepTime(compute, transfers, hidden)


def measure(options: ProjectionOptions) -> Record:
    """Return bytes and times of larger machines, and what their input must deliver."""
    own = options.gpu_batch
    figures = [*bytes_sent(own), *input_of_8_gpus(options.gpu_rate)]
    for machines, gpus in PLACES:
        figures += speed_ups(options, Machines(machines, gpus, own))
        share, left = divmod(PAPER_BATCH, machines * gpus)
        if not left:
            paper = Machines(machines, gpus, share)
            figures += speed_ups(options, paper, "the paper's batch, ")
    notes = ["Projected from the options; nothing was measured."]
    title = "Training on larger machines: projected, not measured"
    return Record.now("devices", title, figures, notes, asdict(options))


def bytes_sent(own: int) -> Iterator[Figure]:
    """Yield what a device sends, the mean of all, if each has the work of `own` images.

    Two towers have all images of both, and half of the work on each.
    """

    def sent(way: str, devices: int, dtype: str) -> float:
        if way == "towers":
            return crossing_bytes(PRESET, devices * own, dtype)
        if way == "data parallel":
            return sum(traffic.data_parallel_bytes(PRESET, devices).values())
        return sum(traffic.hybrid_bytes(PRESET, devices, devices * own, dtype).values())

    places = [(way, n) for n in DEVICES for way in ("data parallel", "hybrid")]
    for way, devices in [("towers", 2), *places]:
        each = (sent(way, devices, dtype) for dtype in ("float32", "bfloat16"))
        wide, narrow = (size / devices / MB for size in each)
        name = f"sent by one of {devices} devices, {own} images each, {way}"
        yield Figure(name, wide, "MB", f"{narrow:,.1f} MB in bfloat16")


def input_of_8_gpus(gpu_rate: float) -> Iterator[Figure]:
    """Yield what the input side of a machine of 8 GPUs must deliver."""
    images, pixels = 8 * gpu_rate, CHANNELS * PRESET.input_size**2  # a byte each
    yield Figure("input of 8 GPUs: pictures", images, "a second")
    yield Figure("input of 8 GPUs: busy cores", images / CORE_RATE)
    yield Figure("input of 8 GPUs: from disk", images * PICTURE_BYTES / MB, "MB/s")
    yield Figure("input of 8 GPUs: uint8 to them", images * pixels / GB, "GB/s")


def speed_ups(
    assumed: ProjectionOptions, place: Machines, prefix: str = ""
) -> Iterator[Figure]:
    """Yield the speed-up of each way over one GPU."""
    ways = {"data parallel": data_parallel_step(assumed, place)}
    workers = place.gpus if place.gpus > 1 else place.machines
    for scheme in ("a", "b", "c") if workers > 1 else ():
        if scheme != "c" or place.batch_size % workers == 0:
            ways[f"hybrid {scheme}"] = hybrid_step(assumed, place, scheme)
    on = f"{place.machines} x {place.gpus} GPUs, {place.batch_size} images each"
    for way, time in ways.items():
        least, most = time.speed_up(place.machines * place.gpus)
        compute, transfers, hidden = (f"{1e3 * seconds:,.1f}" for seconds in time)
        said = f"{least:,.1f} if no transfer is hidden; arithmetic {compute} ms, "
        said += f"transfers {transfers}, hideable {hidden}"
        yield Figure(f"speed-up, {prefix}{on}, {way}", most, "x", said)


if __name__ == "__main__":
    run_as_script(measure)
