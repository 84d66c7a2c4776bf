"""Forward passes beside stock Keras and what the cores could do, and as served."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from keras_alexnet.benchmark import operations
from keras_alexnet.benchmark.step import CLASSES, StepOptions, beside_stock
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, Record


@dataclass(frozen=True)
class InferenceOptions(StepOptions):
    """Measure inference, images to logits, in images/s.

    Beside it in the same run: the same net from stock Keras parts, and the machine's
    matrix-product rate.
    """


def measure(options: InferenceOptions) -> Record:
    """Measure ours, stock Keras and a matrix product in turn, A B C A B C."""
    import tensorflow as tf

    from keras_alexnet.benchmark.repeated_step import noise
    from keras_alexnet.benchmark.stock import stock_copy
    from keras_alexnet.models import alexnet
    from keras_alexnet.training import allocator

    def answer(model: Any) -> Callable[[], float]:
        images, _ = noise(options.batch_size, model.input_shape[1], CLASSES)
        forward = tf.function(lambda x: model(x, training=False)[0, 0])
        return lambda: float(forward(images))

    options.check_counts("batch_size", "rounds")
    allocator.keep_freed_memory()
    figures: list[Figure] = []
    preset = find_preset(options.preset)
    for precision in options.precisions:
        ours = alexnet(preset, CLASSES, seed=0, dtype=precision)
        copy = stock_copy(ours, preset.recipe.decay)
        calls = [answer(model) for model in (ours, copy)]
        needed = operations.forward_operations(preset, CLASSES)
        figures += beside_stock("inference", precision, calls, needed, options)
    return Record.now("inference", "Forward passes", figures, options=asdict(options))


def served(run: Path | str, runtime: str, precision: str) -> Callable[[Any], Any]:
    """Return what answers images with probabilities, as it is served.

    Args:
        run: Folder of a trained network.
        runtime: `tensorflow`, which in float32 runs what `alexnet export` writes, or
            another runtime.
        precision: float32 or mixed_bfloat16.
    """
    from keras_alexnet.export.saved_model import export
    from keras_alexnet.trained.opening import load

    if (runtime, precision) == ("tensorflow", "float32"):
        with tempfile.TemporaryDirectory() as folder:
            return load(export(load(run), folder)).probabilities
    narrow: Any = precision
    return load(run, runtime=runtime, precision=narrow).probabilities
