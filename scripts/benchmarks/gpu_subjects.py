"""What is compared on a GPU, and what is aimed at there."""

import importlib.util
import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.models.geometry import KERNELS
from keras_alexnet.models.layer_table import CHANNELS, layer_table
from keras_alexnet.presets import find_preset
from scripts.benchmarks.aims import Aim
from scripts.benchmarks.answer import GROUPS
from scripts.benchmarks.system import Subject, System

WORKER = "scripts.benchmarks.gpu_worker"
PRECISIONS = ("float32", "mixed_bfloat16", "mixed_float16")
# Forms that a GPU can take; the other flags are for CPUs.
FLAGS = ("product_norm", "split_groups")
# Beside what the layers choose: by XLA or not, the next best of what was measured.
RUNNERS_UP = {False: ("product_norm",), True: FLAGS}


@dataclass(frozen=True)
class GpuSizes:
    """How large all is."""

    batch: int = 128  # images
    large_batch: int = 1024
    classes: int = 1000
    pictures: int = 1024  # of the shards that `fit` reads
    steps: int = 20  # of a measurement of `fit`
    tests: str = "tests/keras_alexnet/layers"
    overrides: dict[str, Any] = field(default_factory=dict)  # of the presets


# Proves on a CPU that all of it runs; `fit` and towers keep the network as it is.
QUICK = GpuSizes(
    *(4, 6, 3, 24, 2, "tests/keras_alexnet/layers/test_kernel_forms.py"),
    {"input_size": 67, "filters": (8, 16, 16, 16, 8), "units": 16},
)


def gpu_aims(sizes: GpuSizes) -> tuple[Aim, ...]:
    """Return what is aimed at, in the order of importance."""
    wide, narrow = ("step", "float32", "speed"), ("step", "mixed_bfloat16", "speed")
    batch, large = sizes.batch, sizes.large_batch
    return (
        Aim(*wide, "PyTorch", 1.75, batch),
        Aim(*wide, "stock Keras", 2.0, batch),
        Aim(*wide, "torch.compile", 1.0, batch),
        Aim(*narrow, "PyTorch", 2.0, batch),
        Aim(*narrow, "PyTorch", 2.5, large),
        Aim(*wide, "ours", 0.9, batch, "ours, released"),
        Aim(*narrow, "ours", 0.9, batch, "ours, released"),
        Aim("fit", "mixed_bfloat16", "speed", "ours, step alone", 0.8),
    )


def compared_first(sizes: GpuSizes, weights: Path) -> Iterator[Subject]:
    """Yield what the aims are about: training steps beside peers."""
    peer = {"work": "torch", "weights": str(weights)}
    few = {"ours": {}, "PyTorch": {**peer, "compile": False}}
    several = {
        **few,
        "stock Keras": {"work": "stock", "xla": False},
        "ours, released": {"preset": "released"},
        "ours, no XLA": {"xla": False},
    }
    compiled = {"torch.compile": {**peer, "compile": True}}
    wide, narrow, _ = PRECISIONS
    yield _subject("step", wide, sizes.batch, sizes, several | compiled)
    yield _subject("step", narrow, sizes.batch, sizes, several)
    yield _subject("step", narrow, sizes.large_batch, sizes, few)


def compared_last(sizes: GpuSizes, all_forms: bool) -> Iterator[Subject]:
    """Yield what tells whether the layers choose well, and inference."""
    half = {"ours": {}, "ours, no XLA": {"xla": False}}
    yield _subject("step", PRECISIONS[2], sizes.batch, sizes, half)
    forms = _forms_of(all_forms)
    answers = {name: {**fields, "work": "answer"} for name, fields in forms.items()}
    forms["stock Keras, XLA"] = {"work": "stock"}
    for precision in PRECISIONS:
        yield _subject("forms", precision, sizes.batch, sizes, forms)
        yield _subject("inference", precision, sizes.batch, sizes, answers)


def _forms_of(all_forms: bool) -> dict[str, dict[str, Any]]:
    """Return ours with XLA and without, in the forms as chosen and in others."""
    found: dict[str, dict[str, Any]] = {}
    every = [flags for n in range(3) for flags in itertools.combinations(FLAGS, n)]
    for xla in (True, False):
        name = f"ours, {'XLA' if xla else 'no XLA'}"
        found[f"{name}, as chosen"] = {"xla": xla}
        for flags in every if all_forms else [RUNNERS_UP[xla]]:
            forms = {flag: flag in flags for flag in FLAGS}
            told = " ".join(flags) or "native"
            found[f"{name}, {told}"] = {"xla": xla, "forms": forms}
    return found


def _subject(
    kind: str, precision: str, batch: int, sizes: GpuSizes, told: dict[str, Any]
) -> Subject:
    usual = {
        **{"work": "step", "preset": "paper", "xla": True, "forms": None},
        **{"subject": "step", "precision": precision, "batch_size": batch},
        **{"classes": sizes.classes, "overrides": sizes.overrides},
        "side": find_preset("paper").replace(**sizes.overrides).input_size,
        # The peers' own names of what the recipe says.
        **{"dropout": 0.5, "rate": 0.001, "bias_rate": 1.0, "decay": 0.0005},
    }
    systems = [
        System(name, Path(sys.executable), WORKER, {**usual, **own}, amount=batch)
        for name, own in told.items()
    ]
    for system in systems:
        if system.job["work"] == "torch" and not importlib.util.find_spec("torch"):
            system.failure = "not installed"
    return Subject(kind, precision, batch, systems, (), {})


def write_weights(sizes: GpuSizes, path: Path) -> None:
    """Write weights that PyTorch starts from, without importing TensorFlow."""
    preset = find_preset("paper").replace(**sizes.overrides)
    generator = np.random.default_rng(0)
    channels, weights = (CHANNELS, *preset.filters), {}
    for number, (name, layer) in enumerate(layer_table(preset, sizes.classes).items()):
        shape: tuple[int, ...] = (layer.weights // layer.biases, layer.biases)
        if number < len(KERNELS):
            side, inputs = KERNELS[number], channels[number] // GROUPS[number]
            shape = (side, side, inputs, layer.biases)
        drawn = generator.standard_normal(shape, "float32")
        weights[f"{name}/kernel"] = np.float32((2 / np.prod(shape[:-1])) ** 0.5) * drawn
        weights[f"{name}/bias"] = np.zeros(layer.biases, "float32")
    np.savez(path, **weights)
