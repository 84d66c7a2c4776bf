#!/usr/bin/env python
"""Measure what strategies and checkpoints cost beside plain `fit` on one device.

    python scripts/benchmarks/overheads.py --batch-size 64 --epoch-steps 147 --json FILE

First the time of a step of `--strategy mirrored` with one replica, and of towers on one
device, over that of plain `fit`. Then the state of the run is saved as at the end of an
epoch, best network included, and so many steps are timed from there on, beside as many
without. All of it in turn in one process; ratios are medians over the rounds.
"""

import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).parents[2])  # profile.py here is not Python's

from keras_alexnet.benchmark.operations import Work, median_ratio, seconds_in_turn
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from scripts.benchmarks.traffic_replica import CLASSES, held_fit

PLAIN = "plain fit"
ONE_REPLICA, ONE_DEVICE = "mirrored, one replica", "towers, one device"
# Noise is learnt by heart, and must not diverge.
PRESET = find_preset("released").replace(precision="float32", learning_rate=1e-4)


@dataclass(frozen=True)
class OverheadOptions(MeasureOptions):
    """Measure what strategies and checkpoints cost beside plain `fit`."""

    batch_size: int = 64  # images in a step
    rounds: int = 7  # measurements of each, in turn
    round_steps: int = 5  # steps of one measurement of a strategy
    save_steps: int = 8  # steps after a checkpoint is begun, and without
    epoch_steps: int = 147  # steps of an epoch; those of Imagenette in batches of 64


def measure(options: OverheadOptions) -> Record:
    """Measure strategies, then checkpoints."""
    import tensorflow as tf

    from keras_alexnet.training.devices.plan import DevicePlan

    plans = {
        PLAIN: DevicePlan(),
        ONE_REPLICA: DevicePlan(tf.distribute.MirroredStrategy(["CPU:0"])),
        ONE_DEVICE: DevicePlan(towers=("CPU:0", "CPU:0")),
    }
    fits = {name: held_fit(p, PRESET, options.batch_size) for name, p in plans.items()}

    def typical(fit: Any) -> Callable[[], float]:
        step = Work(lambda: fit.take(1))
        return lambda: median(step.seconds() for _ in range(options.round_steps))

    works = {name: typical(fit) for name, (fit, _) in fits.items()}
    times = seconds_in_turn(works, options.rounds, "strategies")
    with tempfile.TemporaryDirectory() as folder:
        costs = checkpoint_costs(options, *fits[PLAIN], Path(folder))
        figures = [*overheads(times), *costs]
    title = "What strategies and checkpoints cost beside plain fit"
    return Record.now("devices", title, figures, options=asdict(options))


def overheads(times: dict[str, list[float]]) -> Iterator[Figure]:
    """Yield how much longer steps take, from times that were measured in turn."""
    plain = times[PLAIN]
    yield Figure(f"step, {PLAIN}", 1e3 * median(plain), "ms")
    for name in (name for name in times if name != PLAIN):
        each = zip(times[name], plain, strict=True)
        said = " ".join(f"{own / other:.3f}" for own, other in each)
        said = f"{1e3 * median(times[name]):.0f} ms; each round {said}"
        ratio = median_ratio(times[name], plain)
        yield Figure(f"step, {name}, over {PLAIN}", ratio, "x", said)


def checkpoint_costs(
    options: OverheadOptions, fit: Any, model: Any, folder: Path
) -> Iterator[Figure]:
    """Time steps with a checkpoint under way and without, in turn."""
    from keras_alexnet.training.run_folder import save_best
    from keras_alexnet.training.state import model_state
    from keras_alexnet.training.state.background import CheckpointWriter
    from keras_alexnet.training.state.checkpoint import Checkpoint, save_checkpoint

    writer, copies, writes, arrays = CheckpointWriter(), [], [], {}

    def write() -> None:
        save_best(folder, PRESET, CLASSES, arrays)
        save_checkpoint(folder, Checkpoint(1, 0, arrays, {}), keep=2)

    def save() -> None:
        copy = Work(lambda: arrays.update(model_state.capture(model)))
        copies.append(copy.seconds())
        writer.submit(lambda: writes.append(Work(write).seconds()))
        fit.take(options.save_steps)

    works = {
        "plain": Work(lambda: fit.take(options.save_steps)).seconds,
        "saving": Work(save, after=writer.wait).seconds,
    }
    times = seconds_in_turn(works, options.rounds, "checkpoints", warm_up=False)
    (file, *_) = folder.glob("epoch-*.npz")
    epoch = median(times["plain"]) / options.save_steps * options.epoch_steps
    pairs = zip(times["saving"], times["plain"], strict=True)
    extras = [own - other for own, other in pairs]
    said = f"{median(extras) / epoch:.2%} of an epoch; each round "
    said += " ".join(f"{extra:.2f}" for extra in extras)
    yield Figure("checkpoint", file.stat().st_size / 1e6, "MB")
    yield Figure("checkpoint, copy in memory", median(copies), "s")
    yield Figure("checkpoint, written after", median(writes), "s", "in the background")
    yield Figure("checkpoint, steps longer in all", median(extras), "s", said)


if __name__ == "__main__":
    run_as_script(measure)
