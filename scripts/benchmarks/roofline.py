#!/usr/bin/env python
"""A training step by layer and pass: operations, bytes, and the time of both.

    python scripts/benchmarks/roofline.py --precision mixed_bfloat16 [--json FILE]

`at least` is the longer of two times: of the operations at the rate of a large matrix
product, and of the bytes that have to be read and written once at the rate of a large
copy, both measured beside the step. Operations run one after the other.
"""

import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.benchmark.operations import (
    MATRIX_OPERATIONS,
    matrix_product,
    mean_seconds,
    repeated,
)
from keras_alexnet.models.layer_table import LayerSize, layer_table
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, Record, run_as_script
from scripts.benchmarks.profile import (
    CLASSES,
    ProfileOptions,
    operations,
    profiled_step,
)

FORWARD, OF_INPUTS, OF_KERNEL = "forward", "gradient of inputs", "gradient of kernel"
PASSES = (FORWARD, OF_INPUTS, OF_KERNEL)
ROUNDS = 5
_COPIED = 1 << 28  # bytes, more than any cache holds
_BYTES = {"float32": 4, "mixed_bfloat16": 2}  # an activation
# What is neither convolution nor product, by the first pattern that is in its name.
OTHERS = {
    "update": r"coupled_sgd",
    "normalisations, both ways, by XLA": r"^:XLA$",
    "normalisations, gradient": r"gradient_tape.*/(norm|in_map)\d",
    "normalisations": r"/(norm|in_map)\d",
    "pools, gradient": r"gradient_tape.*/pool\d",
    "pools": r"/pool\d",
    "dropout": r"/drop\d",
    "groups taken apart and put together": r":(ConcatV2|Split|SplitV|Slice|_MklSlice)$",
    "casts": r":Cast$",
    "activations and biases, gradient": r"gradient_tape.*(ReluGrad|BiasAddGrad)",
}
REST = "rest"


@dataclass(frozen=True)
class Rates:
    """What the machine does at most.

    Attributes:
        operations: Floating-point operations a second, of a large matrix product.
        copied: Bytes a second, read and written, of a large copy.
    """

    operations: float
    copied: float


def measure(options: ProfileOptions) -> Record:
    """Profile one step and the rates that bound it."""
    step, events = profiled_step(options)  # the first that uses TensorFlow
    rates = _rates(options.precision)
    table = layer_table(find_preset("released"), CLASSES)
    spent = seconds_by_place(events, table)
    figures = [
        Figure("matrix product", rates.operations / 1e9, "GFLOP/s"),
        Figure("copy, read and written", rates.copied / 1e9, "GB/s"),
        Figure("step", 1e3 * step, "ms"),
        *_of_layers(spent, table, options, rates),
        *(
            Figure(name, 1e3 * spent[name], "ms", f"{spent[name] / step:.1%} of it")
            for name in (*OTHERS, REST)
        ),
    ]
    title = "A training step by layer and pass"
    return Record.now("step", title, figures, options=asdict(options))


def seconds_by_place(
    events: Iterable[tuple[str, float]], table: Mapping[str, LayerSize]
) -> dict[str, float]:
    """Return the seconds of every `LAYER, PASS`, of `OTHERS` and of the rest.

    Args:
        events: `(operation:kind, seconds)`; those of the runtime are left out.
        table: The layers.
    """
    seconds: dict[str, float] = defaultdict(float)
    for operation, kind, duration in operations(events):
        seconds[_place(operation, kind, table)] += duration
    return seconds


def _place(operation: str, kind: str, table: Mapping[str, LayerSize]) -> str:
    parts = [re.sub(r"_\d+$", "", part) for part in operation.split("/")]
    layer = next((part for part in parts if part in table), None)
    if layer and re.search(r"Conv2D|MatMul", kind):
        if "gradient_tape" not in parts:
            return f"{layer}, {FORWARD}"
        # Of a product's two gradients the inputs' is the first, in our layer too.
        of_kernel = "BackpropFilter" in kind or (
            "MatMul" in kind and operation.endswith("_1")
        )
        return f"{layer}, {OF_KERNEL if of_kernel else OF_INPUTS}"
    named = f"{operation}:{kind}"
    return next((name for name, way in OTHERS.items() if re.search(way, named)), REST)


def least_seconds(
    layer: LayerSize, batch: int, size: int, rates: Rates
) -> tuple[float, str]:
    """Return what a pass of a layer takes at least, and what of.

    Args:
        layer: Its row of the layer table.
        batch: Images.
        size: Bytes of an activation.
        rates: Of the machine.

    Returns:
        Seconds; `arithmetic` or `memory`.
    """
    arithmetic = 2 * batch * layer.macs / rates.operations
    memory = pass_bytes(layer, batch, size) / rates.copied
    return max((arithmetic, "arithmetic"), (memory, "memory"))


def pass_bytes(layer: LayerSize, batch: int, size: int) -> int:
    """Return the bytes of inputs, outputs and kernel, which every pass touches once."""
    return size * (batch * (layer.inputs + layer.places * layer.biases) + layer.weights)


def _of_layers(
    spent: Mapping[str, float],
    table: Mapping[str, LayerSize],
    options: ProfileOptions,
    rates: Rates,
) -> Iterator[Figure]:
    batch, size = options.batch_size, _BYTES[options.precision]
    for name, layer in table.items():
        least, by = least_seconds(layer, batch, size, rates)
        work = f"{2e-9 * batch * layer.macs:.1f} GFLOP"
        moved = f"{pass_bytes(layer, batch, size) / 1e6:.0f} MB"
        for each in PASSES:
            taken = spent.get(f"{name}, {each}")
            if taken is None:  # the images need no gradient
                continue
            rate = 2e-9 * batch * layer.macs / taken
            said = f"{work}, {moved}, at least {1e3 * least:.1f} ms by {by}, "
            said += f"{taken / least:.2f} times that; {rate:.0f} GFLOP/s"
            yield Figure(f"{name}, {each}", 1e3 * taken, "ms", said)


def _rates(precision: str) -> Rates:
    import tensorflow as tf

    product = mean_seconds(matrix_product(precision))
    block = tf.zeros(_COPIED // 4)
    copy = mean_seconds(repeated(lambda: (block + 1.0)[0]))
    return Rates(
        MATRIX_OPERATIONS / statistics.median(product() for _ in range(ROUNDS)),
        2 * _COPIED / statistics.median(copy() for _ in range(ROUNDS)),
    )


if __name__ == "__main__":
    run_as_script(measure)
