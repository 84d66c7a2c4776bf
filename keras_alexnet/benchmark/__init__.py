"""Measurements of this machine: ratios in one run, not stopwatch readings."""

from collections.abc import Callable
from typing import Any

from keras_alexnet.keras_settings import check_backend
from keras_alexnet.record import Record
from keras_alexnet.registry import Registry

check_backend()

# Each is a function from options, whose type its annotation names, to a record.
BENCHMARKS: Registry[Callable[[Any], Record]] = Registry(
    "benchmark",
    {
        "step": "keras_alexnet.benchmark.step:measure",
        "inference": "keras_alexnet.benchmark.inference:measure",
        "input": "keras_alexnet.benchmark.input:measure",
        "fit": "keras_alexnet.benchmark.fit:measure",
    },
)
