"""Forward passes beside stock Keras and what the cores could do, and as served."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keras_alexnet.benchmark import operations
from keras_alexnet.benchmark.operations import repeated
from keras_alexnet.benchmark.step import (
    CLASSES,
    Calls,
    StepOptions,
    beside_stock,
    noise,
)
from keras_alexnet.presets import Preset
from keras_alexnet.record import Record


@dataclass(frozen=True)
class InferenceOptions(StepOptions):
    """Measure inference, images to logits, in images/s.

    Beside it in the same run: the same net from stock Keras parts, and the machine's
    matrix-product rate.
    """


def measure(options: InferenceOptions) -> Record:
    """Measure ours, stock Keras and a matrix product in turn, A B C A B C."""
    from keras_alexnet.benchmark.stock import stock_copy
    from keras_alexnet.models import alexnet
    from keras_alexnet.training import allocator

    def answers(preset: Preset, batch_size: int) -> Calls:
        ours = alexnet(preset, CLASSES, seed=0, dtype=preset.recipe.precision)
        images, _ = noise(batch_size, preset.input_size, CLASSES)
        yield repeated_answer(ours, images)
        yield repeated_answer(stock_copy(ours, preset.recipe.decay), images)

    allocator.keep_freed_memory()
    needed = operations.forward_operations
    figures = beside_stock("inference", answers, needed, options)
    return Record.now("inference", "Forward passes", figures, options=asdict(options))


def repeated_answer(model: Any, images: Any, xla: bool = False) -> Callable[..., float]:
    """Return what answers images once more, or so many times, and gives a logit.

    The images lie where the model is; `xla` compiles the whole pass.
    """
    import tensorflow as tf

    one = tf.function(lambda x: model(x, training=False), jit_compile=xla)
    resident = tf.identity(images)
    # A logit is taken outside: a compiler could leave out the others.
    return repeated(lambda: one(resident)[0, 0])


def served(run: Path | str, runtime: str, precision: Any) -> Callable[[Any], Any]:
    """Return what answers images with a trained network's probabilities, as served.

    In float32, TensorFlow runs what `alexnet export` writes.
    """
    from keras_alexnet.export.saved_model import export
    from keras_alexnet.trained.opening import load

    if (runtime, precision) == ("tensorflow", "float32"):
        with tempfile.TemporaryDirectory() as folder:
            return load(export(load(run), folder)).probabilities
    return load(run, runtime=runtime, precision=precision).probabilities
