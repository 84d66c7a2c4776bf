#!/usr/bin/env python
"""Measure what strategies and checkpoints cost beside plain `fit` on one device.

    python scripts/benchmarks/overheads.py --batch-size 64 --epoch-steps 147 --json FILE

First the time of a step of `--strategy mirrored` with one replica, and of towers on one
device, over that of plain `fit`. Then the state of the run is saved as at the end of an
epoch, best network included, and so many steps are timed from there on, beside as many
without; what they take longer is the cost of a checkpoint, shown as a part of an epoch.
All of it in turn in one process; ratios are medians over the rounds.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

import numpy as np

from keras_alexnet.benchmark.operations import median_ratio, seconds_in_turn
from keras_alexnet.presets import Preset, find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from tfrecords.plain_text import say

PLAIN = "plain fit"
ONE_REPLICA, ONE_DEVICE = "mirrored, one replica", "towers, one device"


@dataclass(frozen=True)
class OverheadOptions(MeasureOptions):
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

    @property
    def network(self) -> Preset:
        """Network and recipe."""
        sizes = {"input_size": self.input_size, "units": self.units}
        return find_preset(self.preset).replace(
            **{name: size for name, size in sizes.items() if size is not None},
            precision=self.precision,
            batch_size=self.batch_size,
            learning_rate=1e-4,  # noise is learnt by heart, and must not diverge
        )


class Steps:
    """A compiled network and a batch to train it on, again and again.

    Args:
        options: Of this script.
        plan: A `DevicePlan`.
    """

    def __init__(self, options: OverheadOptions, plan: Any) -> None:
        import tensorflow as tf

        from keras_alexnet.benchmark.repeated_step import noise
        from keras_alexnet.training.compile import compile_network

        self.model = compile_network(options.network, options.classes, plan)
        size = self.model.inputs[0].shape[1]
        # One batch, again and again, so that no input is timed.
        batch = noise(options.batch_size, size, options.classes)
        stream = tf.data.Dataset.from_tensors(batch).repeat()
        self.stream = plan.distribute(lambda **rows: stream)

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

        self.model.fit(
            self.stream,
            steps_per_epoch=steps + 1,
            callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=note)],
            shuffle=False,
            verbose=0,
        )
        return np.diff(ends).tolist()

    def typical(self, steps: int) -> Callable[[], float]:
        """Return what takes so many steps and returns the median of their times."""
        return lambda: median(self.seconds(steps))


def measure(options: OverheadOptions) -> Record:
    """Measure strategies, then checkpoints."""
    options.check_counts("rounds", "round_steps", "save_steps")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    times, plain = time_strategies(options)
    figures = list(overheads(times))
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        figures += measure_checkpoints(options, plain, Path(folder))
    title = "What strategies and checkpoints cost beside plain fit"
    return Record.now("devices", title, figures, options=asdict(options))


def time_strategies(options: OverheadOptions) -> tuple[dict[str, list[float]], Steps]:
    """Time the strategies in turn; return seconds of each round, and plain `fit`."""
    import tensorflow as tf

    from keras_alexnet.training.devices.plan import DevicePlan

    plans = {
        PLAIN: DevicePlan(),
        ONE_REPLICA: DevicePlan(tf.distribute.MirroredStrategy(["CPU:0"])),
        ONE_DEVICE: DevicePlan(towers=("CPU:0", "CPU:0")),
    }
    fits = {name: Steps(options, plan) for name, plan in plans.items()}
    works = {name: fit.typical(options.round_steps) for name, fit in fits.items()}
    return seconds_in_turn(works, options.rounds, "strategies"), fits[PLAIN]


def overheads(times: dict[str, list[float]]) -> Iterator[Figure]:
    """Yield how much longer steps take, from times that were measured in turn."""
    plain = times[PLAIN]
    yield Figure(f"step, {PLAIN}", 1e3 * median(plain), "ms")
    for name in (name for name in times if name != PLAIN):
        each = [own / other for own, other in zip(times[name], plain, strict=True)]
        said = " ".join(f"{ratio:.3f}" for ratio in each)
        milliseconds = f"{1e3 * median(times[name]):.0f} ms; each round {said}"
        ratio = median_ratio(times[name], plain)
        yield Figure(f"step, {name}, over {PLAIN}", ratio, "x", milliseconds)


def measure_checkpoints(
    options: OverheadOptions, plain: Steps, folder: Path
) -> Iterator[Figure]:
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
            save_best(folder, options.network, options.classes, arrays)
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
        say(f"round {number}: a checkpoint costs {extras[-1]:.2f} s", error=True)
    size = max(path.stat().st_size for path in folder.glob("epoch-*.npz")) / 1e6
    return checkpoint_cost(
        size, copies, writes, extras, options.epoch_steps * median(step)
    )


def checkpoint_cost(
    megabytes: float,
    copies: list[float],
    writes: list[float],
    extras: list[float],
    epoch: float,
) -> Iterator[Figure]:
    """Yield what saving the state costs.

    Args:
        megabytes: Size of the file.
        copies: Seconds that training stands still for the copy in memory.
        writes: Seconds from then on until all is written, in the background.
        extras: Seconds that steps take longer in all, the copy included.
        epoch: Seconds of an epoch.
    """
    yield Figure("checkpoint", megabytes, "MB")
    yield Figure("checkpoint, copy in memory", median(copies), "s")
    yield Figure("checkpoint, written after", median(writes), "s", "in the background")
    said = f"{median(extras) / epoch:.2%} of an epoch; each round "
    each = " ".join(f"{extra:.2f}" for extra in extras)
    yield Figure("checkpoint, steps longer in all", median(extras), "s", said + each)


if __name__ == "__main__":
    run_as_script(measure)
