#!/usr/bin/env python
"""Train the same steps under every strategy, and compare with one device.

    python scripts/compare_strategies.py DATA --json strategies.json

Each strategy trains in processes of its own on logical devices of the CPU, from the
same seed and the same pictures, with dropout off and on. Shown is the largest
difference of any weight from one device, relative to the largest weight of its tensor.
Then the time of a step of `--strategy mirrored` with one replica, and of towers on one
device, over that of plain `fit`: in turn in one process, median of the ratios.

Dropout masks, crops and colours are functions of (seed, step, place in the global
batch), so that with dropout on the same sums are compared as with dropout off.
"""

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import tyro
from rich.console import Console
from rich.table import Table

from tfrecords.files import write_atomically

LAUNCHER = Path(__file__).with_name("launch_workers.py")
WORKERS = 2
# What `plan_devices` gets; multiworker ones are started by the launcher.
STRATEGIES: dict[str, dict[str, Any]] = {
    "none": {},
    "towers": {"name": "towers", "logical_devices": 2},
    "mirrored x2": {"name": "mirrored", "logical_devices": 2},
    "mirrored x4": {"name": "mirrored", "logical_devices": 4},
    "multiworker x2": {"name": "multiworker"},
    "towers x mirrored": {"name": "mirrored", "towers": True, "logical_devices": 4},
    "towers x multiworker": {
        "name": "multiworker",
        "towers": True,
        "logical_devices": 2,
    },
}
DROPOUT = ("off", "on")
ONE_REPLICA, ONE_DEVICE = "mirrored, one replica", "towers, one device"


@dataclass(frozen=True)
class Options:
    """Train the same steps under every strategy, and compare with one device."""

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    preset: str = "released"
    """Network, of two towers."""
    classes: int | None = None
    """Outputs of the network; None: the dataset's."""
    input_size: int | None = None
    """Side of the crops in pixels; None: the preset's."""
    units: int | None = None
    """Units of fc6 and fc7; None: the preset's."""
    batch_size: int = 64
    """Images in a global batch."""
    learning_rate: float = 0.01
    """Rate of the weights."""
    steps: tuple[int, ...] = (10, 100)
    """After how many steps to compare."""
    strategies: tuple[str, ...] = tuple(STRATEGIES)[1:]
    """Which to compare with one device; no name leaves the comparison out."""
    rounds: int = 7
    """Measurements of each step time, in turn; 0 leaves them out."""
    round_steps: int = 5
    """Steps of one measurement."""
    seed: int = 0
    """Initial weights, order, crops, colours, dropout."""
    scratch: Path | None = None
    """Folder for weights of a run, up to 1 GB; None: a temporary one."""
    json: Path | None = None
    """Write the figures to this file."""
    markdown: Path | None = None
    """Write the tables to this file."""


@dataclass(frozen=True)
class Difference:
    """How far a strategy's weights are from those of one device.

    Attributes:
        strategy: Its name.
        dropout: `on` or `off`.
        steps: Steps taken.
        difference: Of any weight, relative to the largest weight of its tensor.
        tensor: Where that is.
        loss: Mean training loss of the steps so far.
    """

    strategy: str
    dropout: str
    steps: int
    difference: float
    tensor: str
    loss: float


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


def main(options: Options) -> int:
    """Measure, print the tables and write the files that were asked for."""
    unknown = {*options.strategies} - {*STRATEGIES}
    if unknown:
        raise SystemExit(
            f"compare_strategies: expected strategies of {', '.join(STRATEGIES)}, got "
            f"{', '.join(sorted(unknown))}."
        )
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        differences = list(compare(options, Path(scratch)))
        overheads = measure_overheads(options, Path(scratch)) if options.rounds else []
    console = Console()
    for table in (difference_table(differences), overhead_table(overheads)):
        if table.rows:
            console.print(table)
    if options.json:
        document = {
            "command": " ".join(["compare_strategies.py", *sys.argv[1:]]),
            "options": {k: v for k, v in asdict(options).items() if k != "scratch"},
            "cores": len(os.sched_getaffinity(0)),
            "differences": [asdict(each) for each in differences],
            "overheads": [asdict(each) for each in overheads],
        }
        text = json.dumps(document, indent=1, default=str) + "\n"
        write_atomically(options.json, text.encode())
    if options.markdown:
        text = markdown(difference_table(differences), overhead_table(overheads))
        write_atomically(options.markdown, text.encode())
    return 0


def compare(options: Options, scratch: Path) -> Iterator[Difference]:
    """Train under each strategy and yield its differences from one device."""
    if not options.strategies:
        return
    for dropout in DROPOUT:
        reference = _train(options, "none", dropout, scratch)
        for strategy in options.strategies:
            folder = _train(options, strategy, dropout, scratch)
            for steps in sorted(options.steps):
                weights = folder / f"{steps}.npz"
                loss = json.loads((folder / f"{steps}.json").read_text())
                found = distance(reference / weights.name, weights)
                print(f"{strategy}, dropout {dropout}, {steps} steps: {found[0]:.2g}")
                yield Difference(strategy, dropout, steps, *found, loss)
                weights.unlink()


def distance(first: Path, second: Path) -> tuple[float, str]:
    """Return the largest relative difference of two files of weights, and where."""
    worst = (0.0, "")
    with np.load(first) as one, np.load(second) as other:
        if set(one.files) != set(other.files):
            raise SystemExit(
                f"compare_strategies: {first} and {second} differ in kind."
            )
        for name in one.files:
            gap = np.abs(one[name] - other[name]).max()
            largest = np.abs(one[name]).max() or 1.0  # a bias that is still 0
            worst = max(worst, (float(gap / largest), name), key=lambda pair: pair[0])
    return worst


def measure_overheads(options: Options, scratch: Path) -> list[Overhead]:
    """Time steps in one process, in turn, and compare with plain `fit`."""
    out = scratch / "overheads.json"
    _run({"kind": "overheads", "out": str(out), **_settings(options)}, scratch)
    times = json.loads(out.read_text())
    plain = times.pop("none")
    return [
        Overhead(
            name,
            median(t / p for t, p in zip(own, plain, strict=True)),
            [t / p for t, p in zip(own, plain, strict=True)],
            1000 * median(own),
            1000 * median(plain),
        )
        for name, own in times.items()
    ]


def difference_table(differences: list[Difference]) -> Table:
    """Return one row a strategy, and a column for each number of steps and dropout."""
    kinds = sorted({(d.dropout, d.steps) for d in differences})
    heads = [f"dropout {dropout}, {steps} steps" for dropout, steps in kinds]
    table = Table("strategy", *heads)
    cells = {(d.strategy, d.dropout, d.steps): d.difference for d in differences}
    for strategy in dict.fromkeys(d.strategy for d in differences):
        row = [f"{cells[strategy, *kind]:.1e}" for kind in kinds]
        table.add_row(strategy, *row)
    return table


def overhead_table(overheads: list[Overhead]) -> Table:
    """Return one row for each way to train on one device."""
    table = Table("step", "over plain fit", "each round", "ms", "plain ms")
    for o in overheads:
        each = " ".join(f"{ratio:.3f}" for ratio in o.ratios)
        numbers = (f"{o.milliseconds:.0f}", f"{o.plain_milliseconds:.0f}")
        table.add_row(o.strategy, f"{o.ratio:.3f}", each, *numbers)
    return table


def markdown(*tables: Table) -> str:
    """Return the tables that have rows as Markdown."""
    texts = []
    for table in tables:
        columns = [[str(column.header), *column.cells] for column in table.columns]
        head, *rows = zip(*columns, strict=True)
        lines = [head, ["---"] * len(head), *rows]
        if rows:
            texts.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(texts) + "\n"


def _train(options: Options, strategy: str, dropout: str, scratch: Path) -> Path:
    """Train in processes of its own; return the folder with weights and losses."""
    out = scratch / f"{strategy}-{dropout}".replace(" ", "-")
    out.mkdir()
    task = {"kind": "train", "out": str(out), "dropout": dropout, **_settings(options)}
    task["plan"] = STRATEGIES[strategy]
    _run(task, scratch)
    return out


def _settings(options: Options) -> dict[str, Any]:
    return json.loads(json.dumps(asdict(options), default=str))


def _run(task: dict[str, Any], scratch: Path) -> None:
    """Do a task in a new process, or in several that find each other."""
    file = scratch / "task.json"
    file.write_text(json.dumps(task))
    command = [sys.executable, __file__, "--task", str(file)]
    if task.get("plan", {}).get("name") == "multiworker":
        own = ["--logs", scratch / "logs", "--program", " ".join(command[:2])]
        command = [sys.executable, LAUNCHER, WORKERS, *own, "--", *command[2:]]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        raise SystemExit(f"compare_strategies: failed: {' '.join(map(str, command))}")


def do_task(task: dict[str, Any]) -> None:
    """Do what another process of this script wants; uses TensorFlow."""
    from keras_alexnet.training.strategy import plan_devices

    if task["kind"] == "overheads":
        times = _time_steps(task)
        Path(task["out"]).write_text(json.dumps(times))
        return
    plan = plan_devices(**task["plan"])  # before anything else
    from keras_alexnet.training import model_state

    model, config, stream = _prepare(task, plan)
    before = 0
    for steps in sorted(task["steps"]):
        history = model.fit(
            stream, steps_per_epoch=steps - before, verbose=0, shuffle=False
        ).history
        before = steps
        if plan.is_chief:
            arrays = model_state.capture(model)
            weights = {n: a for n, a in arrays.items() if n.startswith("model/")}
            counters = [name for name in weights if name.endswith("counter")]
            for name in counters:
                del weights[name]
            out = Path(task["out"])
            np.savez(out / f"{steps}.npz", **weights)
            (out / f"{steps}.json").write_text(json.dumps(float(history["loss"][-1])))
        stream = _stream(config, plan, steps)


def _prepare(task: dict[str, Any], plan: Any) -> tuple[Any, Any, Any]:
    from keras_alexnet.training import allocator
    from keras_alexnet.training.fit import compile_model

    allocator.keep_freed_memory()
    config = _config(task)
    return compile_model(config, plan), config, _stream(config, plan, 0)


def _config(task: dict[str, Any]) -> Any:
    from keras_alexnet.training.config import TrainConfig
    from tfrecords import Manifest

    overrides = {k: task[k] for k in ("input_size", "units") if task[k] is not None}
    if task.get("dropout") == "off":
        overrides["dropout"] = None
    return TrainConfig(
        task["data"],
        preset=task["preset"],
        overrides=overrides,
        batch_size=task["batch_size"],
        learning_rate=task["learning_rate"],
        seed=task["seed"],
        num_classes=task["classes"] or Manifest.load(task["data"]).num_classes,
    )


def _stream(config: Any, plan: Any, step: int) -> Any:
    """Return the training stream from a step of the run on."""
    import functools

    from keras_alexnet.data import train_dataset
    from tfrecords import Manifest

    preset = config.resolve()
    steps = Manifest.load(config.data).count("train") // preset.batch_size
    make = functools.partial(
        train_dataset,
        config.data,
        batch_size=preset.batch_size,
        input_size=preset.input_size,
        epochs=1_000_000,
        first_epoch=step // steps,
        first_step=step % steps,
        seed=config.seed,
        colour_noise=preset.colour_noise,
    )
    return plan.distribute(make)


def _time_steps(task: dict[str, Any]) -> dict[str, list[float]]:
    """Return the seconds of a step in each round, by way to train on one device."""
    import tensorflow as tf

    from keras_alexnet.training.strategy import DevicePlan

    plans = {
        "none": DevicePlan(),
        ONE_REPLICA: DevicePlan(tf.distribute.MirroredStrategy(["CPU:0"])),
        ONE_DEVICE: DevicePlan(towers=("CPU:0", "CPU:0")),
    }
    fits = {}
    for name, plan in plans.items():
        model, config, _ = _prepare(task, plan)
        fits[name] = (model, _one_batch(config, plan))
    times: dict[str, list[float]] = {name: [] for name in plans}
    for number, name in itertools.product(range(task["rounds"] + 1), plans):
        seconds = _step_seconds(*fits[name], task["round_steps"])
        if number:  # the first round traces
            times[name].append(seconds)
    return times


def _one_batch(config: Any, plan: Any) -> Any:
    """Return a stream of one batch, again and again, so that no input is timed."""
    import tensorflow as tf

    preset = config.resolve()
    shape = (preset.batch_size, preset.input_size, preset.input_size, 3)
    images = tf.random.stateless_normal(shape, (1, 2), stddev=60.0)
    labels = tf.range(preset.batch_size, dtype=tf.int64) % config.num_classes

    def make(share: Any = None) -> tf.data.Dataset:
        return tf.data.Dataset.from_tensors((images, labels)).repeat()

    return plan.distribute(make)


def _step_seconds(model: Any, stream: Any, steps: int) -> float:
    """Return the median time of a step; the first, which starts the stream, is out."""
    import keras

    ends = []
    note = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: ends.append(time.perf_counter())
    )
    model.fit(stream, steps_per_epoch=steps + 1, verbose=0, callbacks=[note])
    return median(np.diff(ends).tolist())


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        do_task(json.loads(Path(sys.argv[2]).read_text()))
    else:
        raise SystemExit(main(tyro.cli(Options, description=__doc__)))
