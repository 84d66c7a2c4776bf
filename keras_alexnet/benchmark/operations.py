"""How much arithmetic a network asks for, what the machine can do, and both timed."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from keras_alexnet.models.layer_table import layer_table
from keras_alexnet.presets import Preset
from tfrecords.progress import Progress

MATRIX_SIDE = 4096
MATRIX_OPERATIONS = 2 * MATRIX_SIDE**3
MATRIX_DTYPES = {"float32": "float32", "mixed_bfloat16": "bfloat16"}


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


def matrix_product(precision: str) -> Callable[[], float]:
    """Return a 4096 x 4096 matrix product to be timed; `MATRIX_OPERATIONS` a call."""
    import tensorflow as tf

    side = (MATRIX_SIDE, MATRIX_SIDE)
    normal = [tf.random.stateless_normal(side, (0, i)) for i in (1, 2)]
    factors = [tf.cast(factor, MATRIX_DTYPES[precision]) for factor in normal]
    product = tf.function(tf.linalg.matmul)
    # Reading a scalar waits for the computation.
    return lambda: float(product(*factors)[0, 0])


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
