"""Training steps: ours, stock Keras, and what the cores could do."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Annotated, Any, Literal

from tyro.constructors import PrimitiveConstructorSpec

from keras_alexnet.benchmark import operations
from keras_alexnet.benchmark.operations import (
    mean_seconds,
    median_ratio,
    repeated,
    seconds_in_turn,
)
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record

CLASSES = 1000
PICTURE_STD = 60.0  # grey levels, as spread out as pictures without their mean
Calls = Iterator[Callable[..., float]]
BatchSizes = Annotated[
    tuple[int, ...],
    PrimitiveConstructorSpec[tuple[int, ...]](
        nargs=1,
        metavar="N,N,...",
        instance_from_str=lambda words: tuple(map(int, words[0].split(","))),
        is_instance=lambda value: isinstance(value, tuple),
        str_from_instance=lambda sizes: [",".join(map(str, sizes))],
    ),
]


@dataclass(frozen=True)
class StepOptions(MeasureOptions):
    """Measure training steps, in images/s.

    Beside them in the same run: the same net from stock Keras parts, and the machine's
    matrix-product rate. On a GPU of compute capability 8.0 and up float32 is TF32, for
    all three, and is called so.
    """

    precision: Literal["both", "float32", "mixed_bfloat16"] = "both"
    """Arithmetic."""
    preset: str = "released"
    """Network."""
    batch_sizes: BatchSizes = (128,)
    """Images in a step, one size after the other: 64,128,256."""
    rounds: int = 5
    """Measurements of each, in turn; each lasts 0.2 s at least."""


def measure(options: StepOptions) -> Record:
    """Measure ours, stock Keras and a matrix product in turn, A B C A B C."""
    from keras_alexnet.benchmark.stock import stock_network
    from keras_alexnet.training.compile import compile_network

    def steps(preset: Preset, batch_size: int) -> Calls:
        batch = noise(batch_size, preset.input_size, CLASSES)
        yield repeated_step(compile_network(preset, CLASSES), batch)
        yield repeated_step(stock_network(preset, CLASSES), batch)

    figures = beside_stock("step", steps, operations.step_operations, options)
    return Record.now("step", "Training steps", figures, options=asdict(options))


def noise(batch_size: int, input_size: int, num_classes: int) -> tuple[Any, Any]:
    """Return images float32 `(batch, size, size, 3)` and labels int64 `(batch,)`."""
    import tensorflow as tf

    shape = (batch_size, input_size, input_size, 3)
    images = PICTURE_STD * tf.random.stateless_normal(shape, (0, 0))
    return images, tf.range(batch_size, dtype=tf.int64) % num_classes


def repeated_step(model: Any, batch: tuple[Any, ...]) -> Callable[..., float]:
    """Return what trains a compiled model on a batch once more, or so many times.

    It gives what Keras logs, the mean of the losses so far, read after the last step.
    No input pipeline takes part, and nothing of `fit` but the compiled step: the batch
    lies where the model is, for from a pipeline it would be copied to a GPU in every
    step.
    """
    import tensorflow as tf

    step = tf.function(model.train_step, jit_compile=model.jit_compile)
    resident = tf.nest.map_structure(tf.identity, batch)
    return repeated(lambda: step(resident)["loss"])


def beside_stock(
    kind: str,
    calls_of: Callable[[Preset, int], Calls],
    operations_of: Callable[[Preset, int], int],
    options: StepOptions,
) -> Iterator[Figure]:
    """Measure ours, stock Keras and the machine; yield rates and their ratios.

    `calls_of` makes ours and then that of stock Keras, `repeated` works on so many
    images; `operations_of` counts the floating-point operations of an image.
    """
    from keras_alexnet.benchmark.device import arithmetic

    both = tuple(operations.MATRIX_DTYPES)
    for precision in both if options.precision == "both" else (options.precision,):
        fields = {"precision": precision, "learning_rate": 0.001}
        preset = find_preset(options.preset).replace(**fields)
        for size in options.batch_sizes:
            name = f"{kind}, {arithmetic(precision)}, batch {size}"
            needed = size * operations_of(preset, CLASSES)
            calls = calls_of(preset, size)
            yield from _figures(name, size, needed, precision, calls, options.rounds)


def _figures(
    name: str, size: int, needed: int, precision: str, calls: Calls, rounds: int
) -> Iterator[Figure]:
    from keras_alexnet.benchmark.device import forget_peak, peak_bytes

    forget_peak()
    works = {"ours": mean_seconds(next(calls))}
    peak = peak_bytes()  # of ours: the others are not there yet
    works["stock"] = mean_seconds(next(calls))
    works["product"] = mean_seconds(operations.matrix_product(precision))
    seconds = seconds_in_turn(works, rounds, name, warm_up=False)
    ours, stock, product = seconds.values()
    share = median_ratio(product, ours) * needed / operations.MATRIX_OPERATIONS
    matrix = operations.MATRIX_OPERATIONS / median(product) / 1e9
    ratio = median_ratio(stock, ours)
    beside = f"{ratio:.2f} x stock Keras, {share:.0%} of the matrix rate"
    yield Figure(name, size / median(ours), "images/s", beside)
    yield Figure(f"{name}: stock Keras", size / median(stock), "images/s")
    yield Figure(f"{name}: over stock Keras", ratio, "x")
    yield Figure(f"{name}: matrix rate", matrix, "GFLOP/s")
    yield Figure(f"{name}: share of the matrix rate", 100 * share, "%")
    if peak is not None:
        yield Figure(f"{name}: peak memory of the GPU", peak / 1e6, "MB")
