#!/usr/bin/env python
"""Measure what strategies and checkpoints cost beside plain `fit` on one device.

    python scripts/measure_overheads.py --batch-size 64 --epoch-steps 147 --json FILE

First the time of a step of `--strategy mirrored` with one replica, and of towers on one
device, over that of plain `fit`. Then the state of the run is saved as at the end of an
epoch, best network included, and so many steps are timed from there on, beside as many
without; what they take longer is the cost of a checkpoint, shown as a part of an epoch.
All of it in turn in one process; ratios are medians over the rounds.
"""

import functools
import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
import tyro

from tfrecords.files import write_atomically
from tfrecords.tables import Console, Table

PLAIN = "plain fit"
ONE_REPLICA, ONE_DEVICE = "mirrored, one replica", "towers, one device"


@dataclass(frozen=True)
class Options:
    """Measure what strategies and checkpoints cost beside plain `fit`."""

    preset: str = "released"
    """Network, of two towers."""
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    """Arithmetic."""
    classes: int = 1000
    """Outputs of the network."""
    input_size: int | None = None
    """Side of the crops in pixels; None: the preset's."""
    units: int | None = None
    """Units of fc6 and fc7; None: the preset's."""
    batch_size: int = 64
    """Images in a step."""
    rounds: int = 7
    """Measurements of each, in turn."""
    round_steps: int = 5
    """Steps of one measurement of a strategy."""
    save_steps: int = 8
    """Steps that are timed after a checkpoint is begun, and without."""
    epoch_steps: int = 147
    """Steps of an epoch; 147 are Imagenette's in batches of 64."""
    folder: Path | None = None
    """Where checkpoints are written; None: a temporary folder."""
    json: Path | None = None
    """Write the figures to this file."""


@dataclass(frozen=True)
class Overhead:
    """Time of a step over that of plain `fit`.

    Attributes:
        strategy: Its name.
        ratio: Median over the rounds.
        ratios: Of each round.
        milliseconds: Median step.
        plain_milliseconds: Median step of plain `fit`.
    """

    strategy: str
    ratio: float
    ratios: list[float]
    milliseconds: float
    plain_milliseconds: float


@dataclass(frozen=True)
class CheckpointCost:
    """What saving the state costs.

    Attributes:
        megabytes: Size of the file; 10^6 bytes.
        copy_seconds: Training stands still for the copy in memory; median.
        write_seconds: From then on until all is written, in the background; median.
        extra_seconds: What steps take longer in all, the copy included; median.
        extras: The same of each round.
        epoch_part: `extra_seconds` over the seconds of an epoch.
    """

    megabytes: float
    copy_seconds: float
    write_seconds: float
    extra_seconds: float
    extras: list[float]
    epoch_part: float


class Steps:
    """A compiled network and a batch to train it on, again and again.

    Args:
        options: Of this script.
        plan: A `DevicePlan`.
    """

    def __init__(self, options: Options, plan: Any) -> None:
        from keras_alexnet.training.compile import compile_network

        self.preset = _preset(options)
        self.model = compile_network(self.preset, options.classes, plan)
        make = functools.partial(_one_batch, self.preset, options.classes)
        self.stream = plan.distribute(make)

    def seconds(
        self, steps: int, before: Callable[[], None] | None = None
    ) -> list[float]:
        """Return the time of each step; one more, which starts the stream, is out.

        Args:
            steps: How many.
            before: What to do when the first is to begin; its time counts.
        """
        import keras

        ends: list[float] = []

        def note(batch: int, logs: Any) -> None:
            ends.append(time.perf_counter())
            if batch == 0 and before is not None:
                before()

        callback = keras.callbacks.LambdaCallback(on_train_batch_end=note)
        self.model.fit(
            self.stream,
            steps_per_epoch=steps + 1,
            callbacks=[callback],
            shuffle=False,
            verbose=0,
        )
        return np.diff(ends).tolist()


def main(options: Options) -> int:
    """Measure, print the tables and write the file that was asked for."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from keras_alexnet.training import allocator

    allocator.keep_freed_memory()
    overheads, plain = measure_strategies(options)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        cost = measure_checkpoints(options, plain, Path(folder))
    console = Console()
    console.print(overhead_table(overheads))
    console.print(cost_table(cost))
    if options.json:
        document = {
            "command": " ".join(["measure_overheads.py", *sys.argv[1:]]),
            "options": asdict(options),
            "cores": len(os.sched_getaffinity(0)),
            "overheads": [asdict(each) for each in overheads],
            "checkpoint": asdict(cost),
        }
        text = json.dumps(document, indent=1, default=str) + "\n"
        write_atomically(options.json, text.encode())
    return 0


def measure_strategies(options: Options) -> tuple[list[Overhead], Steps]:
    """Time the strategies in turn; return their overheads, and plain `fit`."""
    import tensorflow as tf

    from keras_alexnet.training.devices.plan import DevicePlan

    plans = {
        PLAIN: DevicePlan(),
        ONE_REPLICA: DevicePlan(tf.distribute.MirroredStrategy(["CPU:0"])),
        ONE_DEVICE: DevicePlan(towers=("CPU:0", "CPU:0")),
    }
    fits = {name: Steps(options, plan) for name, plan in plans.items()}
    times: dict[str, list[float]] = {name: [] for name in plans}
    for number, name in itertools.product(range(options.rounds + 1), plans):
        seconds = median(fits[name].seconds(options.round_steps))
        if number:  # the first round traces
            times[name].append(seconds)
            print(f"round {number}: {name} {1000 * seconds:.0f} ms", flush=True)
    return [overhead(n, times[n], times[PLAIN]) for n in times if n != PLAIN], fits[
        PLAIN
    ]


def overhead(name: str, own: list[float], plain: list[float]) -> Overhead:
    """Return how much longer steps take, from times that were measured in turn."""
    ratios = [a / b for a, b in zip(own, plain, strict=True)]
    return Overhead(
        name, median(ratios), ratios, 1e3 * median(own), 1e3 * median(plain)
    )


def measure_checkpoints(options: Options, plain: Steps, folder: Path) -> CheckpointCost:
    """Time steps with a checkpoint under way and without, in turn."""
    from keras_alexnet.training.run_folder import save_best
    from keras_alexnet.training.state import model_state
    from keras_alexnet.training.state.background import CheckpointWriter
    from keras_alexnet.training.state.checkpoint import Checkpoint, save_checkpoint

    writer = CheckpointWriter()
    copies: list[float] = []
    writes: list[float] = []

    def save() -> None:
        begin = time.perf_counter()
        arrays = model_state.capture(plain.model)
        copies.append(time.perf_counter() - begin)

        def write() -> None:
            save_best(folder, plain.preset, options.classes, arrays)
            save_checkpoint(folder, Checkpoint(1, 0, arrays, {}), keep=2)
            writes.append(time.perf_counter() - begin - copies[-1])

        writer.submit(write)

    extras, step = [], []
    for number in range(1, options.rounds + 1):
        without = plain.seconds(options.save_steps)
        saving = plain.seconds(options.save_steps, save)
        writer.wait()
        step.append(median(without))
        extras.append(sum(saving) - sum(without))
        print(f"round {number}: a checkpoint costs {extras[-1]:.2f} s", flush=True)
    size = max(path.stat().st_size for path in folder.glob("epoch-*.npz")) / 1e6
    part = median(extras) / (options.epoch_steps * median(step))
    own = (median(copies), median(writes), median(extras))
    return CheckpointCost(size, *own, extras, part)


def overhead_table(overheads: list[Overhead]) -> Table:
    """Return one row for each way to train on one device."""
    table = Table("step", "over plain fit", "each round", "ms", "plain ms")
    for o in overheads:
        each = " ".join(f"{ratio:.3f}" for ratio in o.ratios)
        numbers = (f"{o.milliseconds:.0f}", f"{o.plain_milliseconds:.0f}")
        table.add_row(o.strategy, f"{o.ratio:.3f}", each, *numbers)
    return table


def cost_table(cost: CheckpointCost) -> Table:
    """Return one row: the cost of a checkpoint."""
    table = Table("checkpoint", "copy", "written after", "longer in all", "of an epoch")
    seconds = (cost.copy_seconds, cost.write_seconds, cost.extra_seconds)
    numbers = [f"{value:.2f} s" for value in seconds]
    table.add_row(f"{cost.megabytes:.0f} MB", *numbers, f"{cost.epoch_part:.2%}")
    return table


def _preset(options: Options) -> Any:
    from keras_alexnet.presets import find_preset

    sizes = {"input_size": options.input_size, "units": options.units}
    return find_preset(options.preset).replace(
        **{name: size for name, size in sizes.items() if size is not None},
        precision=options.precision,
        batch_size=options.batch_size,
        learning_rate=1e-4,  # noise is learnt by heart, and must not diverge
    )


def _one_batch(preset: Any, classes: int, rows: Any = None) -> Any:
    """Return a stream of one batch, again and again, so that no input is timed."""
    import tensorflow as tf

    shape = (preset.recipe.batch_size, preset.input_size, preset.input_size, 3)
    images = tf.random.stateless_normal(shape, (1, 2), stddev=60.0)
    labels = tf.range(preset.recipe.batch_size, dtype=tf.int64) % classes
    return tf.data.Dataset.from_tensors((images, labels)).repeat()


if __name__ == "__main__":
    raise SystemExit(main(tyro.cli(Options, description=__doc__)))
