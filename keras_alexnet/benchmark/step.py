"""Training steps: ours, stock Keras, and what the cores could do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Literal

from keras_alexnet.benchmark import operations
from keras_alexnet.benchmark.operations import Work, median_ratio, seconds_in_turn
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record

CLASSES = 1000


@dataclass(frozen=True)
class StepOptions(MeasureOptions):
    """Measure training steps, in images/s.

    Beside them in the same run: the same net from stock Keras parts, and the machine's
    matrix-product rate.
    """

    precision: Literal["both", "float32", "mixed_bfloat16"] = "both"
    """Arithmetic."""
    preset: str = "released"
    """Network."""
    batch_size: int = 128
    """Images in a step."""
    rounds: int = 5
    """Measurements of each, in turn."""

    @property
    def precisions(self) -> Sequence[str]:
        """What is measured, one after the other."""
        both = self.precision == "both"
        return tuple(operations.MATRIX_DTYPES) if both else (self.precision,)


def measure(options: StepOptions) -> Record:
    """Measure ours, stock Keras and a matrix product in turn, A B C A B C."""
    from keras_alexnet.benchmark.repeated_step import (
        noise,
        repeated_step,
        stock_network,
    )
    from keras_alexnet.training.compile import compile_network

    options.check_counts("batch_size", "rounds")
    figures: list[Figure] = []
    for precision in options.precisions:
        fields = {"precision": precision, "learning_rate": 0.001}
        preset = find_preset(options.preset).replace(**fields)
        ours = compile_network(preset, CLASSES)
        stock = stock_network(preset, CLASSES)
        batch = noise(options.batch_size, ours.input_shape[1], CLASSES)
        calls = [repeated_step(model, batch) for model in (ours, stock)]
        needed = operations.step_operations(preset, CLASSES)
        figures += beside_stock("step", precision, calls, needed, options)
    return Record.now("step", "Training steps", figures, options=asdict(options))


def beside_stock(
    kind: str,
    precision: str,
    calls: Sequence[Callable[[], float]],
    image_operations: int,
    options: StepOptions,
) -> Iterator[Figure]:
    """Measure ours, stock Keras and the machine; yield rates and their ratios.

    Args:
        kind: step or inference.
        precision: Keras dtype policy.
        calls: Ours and that of stock Keras, of a batch each.
        image_operations: Floating-point operations of an image.
        options: Batch size and rounds.
    """
    name, size = f"{kind}, {precision}", options.batch_size
    every = (*calls, operations.matrix_product(precision))
    works = zip(("ours", "stock", "product"), every, strict=True)
    timed = {work: Work(call).seconds for work, call in works}
    ours, stock, product = seconds_in_turn(timed, options.rounds, name).values()
    share = median_ratio(product, ours) * size * image_operations
    share /= operations.MATRIX_OPERATIONS
    matrix = operations.MATRIX_OPERATIONS / median(product) / 1e9
    ratio = median_ratio(stock, ours)
    beside = f"{ratio:.2f} x stock Keras, {share:.0%} of the matrix rate"
    yield Figure(name, size / median(ours), "images/s", beside)
    yield Figure(f"{name}: stock Keras", size / median(stock), "images/s")
    yield Figure(f"{name}: over stock Keras", ratio, "x")
    yield Figure(f"{name}: matrix rate", matrix, "GFLOP/s")
    yield Figure(f"{name}: share of the matrix rate", 100 * share, "%")
