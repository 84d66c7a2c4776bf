"""Training steps: ours, stock Keras, and what the cores could do."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

from keras_alexnet.benchmark import operations
from keras_alexnet.benchmark.operations import Work, median_ratio, seconds_in_turn
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record

CLASSES = 1000
PICTURE_STD = 60.0  # grey levels, as spread out as pictures without their mean


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


def measure(options: StepOptions) -> Record:
    """Measure ours, stock Keras and a matrix product in turn, A B C A B C."""
    from keras_alexnet.benchmark.stock import stock_network
    from keras_alexnet.training.compile import compile_network

    def steps(preset: Preset) -> list[Callable[[], float]]:
        models = compile_network(preset, CLASSES), stock_network(preset, CLASSES)
        batch = noise(options.batch_size, preset.input_size, CLASSES)
        return [repeated_step(model, batch) for model in models]

    figures = beside_stock("step", steps, operations.step_operations, options)
    return Record.now("step", "Training steps", figures, options=asdict(options))


def noise(batch_size: int, input_size: int, num_classes: int) -> tuple[Any, Any]:
    """Return images float32 `(batch, size, size, 3)` and labels int64 `(batch,)`."""
    import tensorflow as tf

    shape = (batch_size, input_size, input_size, 3)
    images = PICTURE_STD * tf.random.stateless_normal(shape, (0, 0))
    return images, tf.range(batch_size, dtype=tf.int64) % num_classes


def repeated_step(model: Any, batch: tuple[Any, ...]) -> Callable[[], float]:
    """Return what trains a compiled model on a batch once more at each call.

    It gives what Keras logs, the mean of the losses so far. No input pipeline takes
    part, and nothing of `fit` but the compiled step: the batch lies where the model is,
    for from a pipeline it would be copied to a GPU in every step.
    """
    import tensorflow as tf

    step = tf.function(model.train_step, jit_compile=model.jit_compile)
    resident = tf.nest.map_structure(tf.identity, batch)
    return lambda: float(step(resident)["loss"])


def beside_stock(
    kind: str,
    calls_of: Callable[[Preset], Sequence[Callable[[], float]]],
    operations_of: Callable[[Preset, int], int],
    options: StepOptions,
) -> Iterator[Figure]:
    """Measure ours, stock Keras and the machine; yield rates and their ratios.

    `calls_of` makes ours and that of stock Keras, of a batch each; `operations_of`
    counts the floating-point operations of an image.
    """
    both, size = tuple(operations.MATRIX_DTYPES), options.batch_size
    for precision in both if options.precision == "both" else (options.precision,):
        fields = {"precision": precision, "learning_rate": 0.001}
        preset, name = (
            find_preset(options.preset).replace(**fields),
            f"{kind}, {precision}",
        )
        calls = (*calls_of(preset), operations.matrix_product(precision))
        works = zip(("ours", "stock", "product"), calls, strict=True)
        timed = {work: Work(call).seconds for work, call in works}
        ours, stock, product = seconds_in_turn(timed, options.rounds, name).values()
        share = median_ratio(product, ours) * size * operations_of(preset, CLASSES)
        share /= operations.MATRIX_OPERATIONS
        matrix = operations.MATRIX_OPERATIONS / median(product) / 1e9
        ratio = median_ratio(stock, ours)
        beside = f"{ratio:.2f} x stock Keras, {share:.0%} of the matrix rate"
        yield Figure(name, size / median(ours), "images/s", beside)
        yield Figure(f"{name}: stock Keras", size / median(stock), "images/s")
        yield Figure(f"{name}: over stock Keras", ratio, "x")
        yield Figure(f"{name}: matrix rate", matrix, "GFLOP/s")
        yield Figure(f"{name}: share of the matrix rate", 100 * share, "%")
