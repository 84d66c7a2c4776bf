"""How much arithmetic a network asks for, what the machine can do, and both timed."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_alexnet.models.layer_table import layer_table
from keras_alexnet.presets import Preset
from tfrecords.progress import Progress

MATRIX_SIDE = 4096
MATRIX_OPERATIONS = 2 * MATRIX_SIDE**3
MATRIX_DTYPES = {"float32": "float32", "mixed_bfloat16": "bfloat16"}
# A GPU takes a fraction of a millisecond for what it takes longer to start and to read.
LEAST_SECONDS = 0.2


def forward_operations(preset: Preset, num_classes: int) -> int:
    """Return floating-point operations of a forward pass for one image."""
    table = layer_table(preset, num_classes)
    return 2 * sum(layer.macs for layer in table.values())


def step_operations(preset: Preset, num_classes: int) -> int:
    """Return floating-point operations of a training step for one image.

    Forward, gradient of the inputs and gradient of the weights cost the same, two
    operations a multiply-accumulate; the images themselves need no gradient.
    """
    first = layer_table(preset, num_classes)["conv1"].macs
    return 3 * forward_operations(preset, num_classes) - 2 * first


def matrix_product(precision: str) -> Callable[..., float]:
    """Return a `repeated` 4096 x 4096 matrix product of `MATRIX_OPERATIONS`."""
    import tensorflow as tf

    side = (MATRIX_SIDE, MATRIX_SIDE)
    normal = [tf.random.stateless_normal(side, (0, i)) for i in (1, 2)]
    factors = [tf.cast(factor, MATRIX_DTYPES[precision]) for factor in normal]
    product = tf.function(tf.linalg.matmul)
    return repeated(lambda: product(*factors)[0, 0])


def repeated(launch: Callable[[], Any]) -> Callable[..., float]:
    """Return a function that does a work so many times, once if it is not told.

    `launch` starts the work and gives a scalar of it, which is read once, after the
    last: reading waits for all of them, as a device does its work in order.
    """

    def call(times: int = 1) -> float:
        for _ in range(times - 1):
            launch()
        return float(launch())

    return call


@dataclass(frozen=True)
class Work:
    """What is timed by a clock: a call, between what is not, before and after it."""

    call: Callable[[], object]
    before: Callable[[], object] = lambda: None
    after: Callable[[], object] = lambda: None
    clock: Callable[[], float] = time.perf_counter

    def seconds(self) -> float:
        """Return how long one call takes."""
        self.before()
        start = self.clock()
        self.call()
        seconds = self.clock() - start
        self.after()
        return seconds


def mean_seconds(
    call: Callable[..., object], clock: Callable[[], float] = time.perf_counter
) -> Callable[[], float]:
    """Return what times a `repeated` work and gives the seconds of one of them.

    As many are timed together as take `LEAST_SECONDS`, so that starting and reading
    count little; one, where one takes so long. Two or more calls warm it up.
    """

    def seconds(times: int) -> float:
        return Work(lambda: call(times), clock=clock).seconds()

    call()  # traces and compiles
    times = 1
    while seconds(times) < LEAST_SECONDS:
        times *= 2
    return lambda: seconds(times) / times


def seconds_in_turn(
    works: Mapping[str, Callable[[], float]],
    rounds: int,
    title: str,
    warm_up: bool = True,
) -> dict[str, list[float]]:
    """Return the seconds that each work returns, measured A B C A B C.

    With `warm_up` each is called once before; `title` is for the line of progress.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for work in works.values() if warm_up else ():
        work()
    with Progress(title, rounds, unit="rounds") as report:
        for done in range(1, rounds + 1):
            for name, work in works.items():
                seconds[name].append(work())
            report.update(done)
    return seconds


def median_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> float:
    """Return the median ratio of neighbours: other guests of a machine slow both."""
    pairs = zip(numerators, denominators, strict=True)
    return statistics.median(a / b for a, b in pairs)
