"""Training steps and inference: ours, stock Keras, and what the cores could do."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import tensorflow as tf

from keras_alexnet.benchmark.operations import (
    MATRIX_OPERATIONS,
    forward_macs,
    matrix_product,
    median_ratio,
    seconds_of,
    step_operations,
)
from keras_alexnet.benchmark.repeated_step import repeated_step
from keras_alexnet.benchmark.stock import stock_copy
from keras_alexnet.models import alexnet
from keras_alexnet.presets import find_preset
from keras_alexnet.training import allocator
from keras_alexnet.training.update.optimizer import CoupledSGD
from tfrecords.progress import Progress
from tfrecords.ranges import check_count

MATRIX_DTYPES = {"float32": "float32", "mixed_bfloat16": "bfloat16"}


@dataclass(frozen=True)
class StepFigures:
    """Figures of one precision; rates are medians over the rounds.

    Attributes:
        precision: Keras dtype policy.
        matrix_gflops: Rate of a 4096 x 4096 matrix product in this precision, 10^9/s.
        step: Our training step, images/s; `stock_step` that of stock Keras.
        inference: Our forward pass, images/s; `stock_inference` that of stock Keras.
        step_ratio: Ours over stock, median of the ratios of neighbouring rounds.
        inference_ratio: The same for the forward pass.
        step_share: Rate of arithmetic of our step over the matrix rate, median of the
            ratios of neighbouring rounds: other guests of the machine slow both.
        inference_share: The same for the forward pass.
    """

    precision: str
    batch_size: int
    matrix_gflops: float
    step: float
    stock_step: float
    step_ratio: float
    step_share: float
    inference: float
    stock_inference: float
    inference_ratio: float
    inference_share: float


def measure_step(
    precision: str,
    *,
    preset: str = "released",
    batch_size: int = 128,
    rounds: int = 5,
    num_classes: int = 1000,
) -> StepFigures:
    """Measure ours, stock Keras and a matrix product in turn, A B C A B C.

    Args:
        precision: float32 or mixed_bfloat16.
        preset: Name of the network.
        batch_size: Images in a step.
        rounds: Measurements of each.
        num_classes: Outputs of the network.

    Raises:
        ValueError: Another precision.
    """
    if precision not in MATRIX_DTYPES:
        raise ValueError(
            f"Expected a precision of {', '.join(MATRIX_DTYPES)}, got {precision!r}."
        )
    check_count("batch_size", batch_size)
    check_count("rounds", rounds)
    check_count("num_classes", num_classes)
    allocator.keep_freed_memory()
    fields = find_preset(preset)
    model = alexnet(preset, num_classes, seed=0, dtype=precision)
    decay = 0.0005  # section 5
    stock = stock_copy(model, decay)
    images, labels = _batch(batch_size, model.input_shape[1], num_classes)
    ours = CoupledSGD(0.001, bias_rate=fields.recipe.bias_rate, decay=decay)
    theirs = keras.optimizers.SGD(0.001, momentum=0.9)
    matrix = matrix_product(MATRIX_DTYPES[precision])
    infer = [_inference(net, images) for net in (model, stock)]
    train = [
        _training(net, optimizer, images, labels)
        for net, optimizer in ((model, ours), (stock, theirs))
    ]
    inference = _alternate([*infer, matrix], rounds, f"{precision} inference")
    step = _alternate([*train, matrix], rounds, f"{precision} step")
    forward = 2 * sum(forward_macs(model).values())
    products = inference[2] + step[2]
    return StepFigures(
        precision=precision,
        batch_size=batch_size,
        matrix_gflops=MATRIX_OPERATIONS / statistics.median(products) / 1e9,
        step=batch_size / statistics.median(step[0]),
        stock_step=batch_size / statistics.median(step[1]),
        step_ratio=median_ratio(step[1], step[0]),
        step_share=_share(step, batch_size * step_operations(model)),
        inference=batch_size / statistics.median(inference[0]),
        stock_inference=batch_size / statistics.median(inference[1]),
        inference_ratio=median_ratio(inference[1], inference[0]),
        inference_share=_share(inference, batch_size * forward),
    )


def _share(seconds: list[list[float]], operations: int) -> float:
    """Return the rate of our arithmetic over that of the matrix product."""
    ours, _, product = seconds
    return operations / MATRIX_OPERATIONS * median_ratio(product, ours)


def _batch(count: int, size: int, num_classes: int) -> tuple[tf.Tensor, tf.Tensor]:
    # As spread out as pictures are after the mean is subtracted.
    images = 60.0 * tf.random.stateless_normal((count, size, size, 3), (0, 0))
    return images, tf.range(count) % num_classes


def _inference(model: keras.Model, images: tf.Tensor) -> Callable[[], tf.Tensor]:
    forward = tf.function(lambda x: model(x, training=False)[0, 0])
    return lambda: forward(images)


def _training(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    images: tf.Tensor,
    labels: tf.Tensor,
) -> Callable[[], tf.Tensor]:
    model.compile(
        optimizer,
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=False,
    )
    return repeated_step(model, (images, labels))


def _alternate(
    works: Sequence[Callable[[], tf.Tensor]], rounds: int, title: str
) -> list[list[float]]:
    """Return the seconds of each work, measured in turn after one warm-up each."""
    seconds: list[list[float]] = [[] for _ in works]
    for work in works:
        seconds_of(work)
    with Progress(title, rounds, unit="rounds") as report:
        for done in range(1, rounds + 1):
            for work, own in zip(works, seconds, strict=True):
                own.append(seconds_of(work))
            report.update(done)
    return seconds
