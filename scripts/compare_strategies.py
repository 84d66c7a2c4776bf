#!/usr/bin/env python
"""Train the same steps under every strategy, and compare with one device.

    python scripts/compare_strategies.py DATA --json strategies.json

Each strategy trains in processes of its own on logical devices of the CPU, from the
same seed and the same pictures, with dropout off and on. Shown is the largest
difference of any weight from one device, relative to the largest weight of its tensor;
then the same of kernels alone, because biases that start at 0 are small for long.

Dropout masks, crops and colours are functions of (seed, step, place in the global
batch), so that with dropout on the same sums are compared as with dropout off.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from tfrecords.files import write_atomically
from tfrecords.tables import Console, Table

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


@dataclass(frozen=True)
class Options:
    """Train the same steps under every strategy, and compare with one device."""

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    preset: str = "released"
    """Network, of two towers."""
    precision: Literal["float32", "float64"] = "float32"
    """Arithmetic and weights. Rounding grows with every step, so that float64 tells a
    mistake from rounding."""
    classes: int | None = None
    """Outputs of the network; None: the dataset's."""
    input_size: int | None = None
    """Side of the crops in pixels; None: the preset's."""
    units: int | None = None
    """Units of fc6 and fc7; None: the preset's."""
    batch_size: int = 64
    """Images in a global batch."""
    learning_rate: float = 0.001
    """Rate of the weights; the paper's 0.01 diverges in some ten steps where dropout is
    off and the classes are few."""
    steps: tuple[int, ...] = (10, 100)
    """After how many steps to compare."""
    strategies: tuple[str, ...] = tuple(STRATEGIES)[1:]
    """Which to compare with one device."""
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
        kernels: The same as `difference`, of kernels alone.
        loss: Mean training loss of the steps so far.
    """

    strategy: str
    dropout: str
    steps: int
    difference: float
    tensor: str
    kernels: float
    loss: float


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
    table = difference_table(differences)
    Console().print(table)
    if options.json:
        document = {
            "command": " ".join(["compare_strategies.py", *sys.argv[1:]]),
            "options": {k: v for k, v in asdict(options).items() if k != "scratch"},
            "cores": len(os.sched_getaffinity(0)),
            "differences": [asdict(each) for each in differences],
        }
        text = json.dumps(document, indent=1, default=str) + "\n"
        write_atomically(options.json, text.encode())
    if options.markdown:
        write_atomically(options.markdown, markdown(table).encode())
    return 0


def compare(options: Options, scratch: Path) -> Iterator[Difference]:
    """Train under each strategy and yield its differences from one device."""
    for dropout in DROPOUT:
        reference = _train(options, "none", dropout, scratch)
        for strategy in options.strategies:
            folder = _train(options, strategy, dropout, scratch)
            for steps in sorted(options.steps):
                weights = folder / f"{steps}.npz"
                loss = json.loads((folder / f"{steps}.json").read_text())
                found = distances(reference / weights.name, weights)
                tensor = max(found, key=lambda name: found[name])
                kernels = max(found[name] for name in found if "kernel" in name)
                each = Difference(
                    strategy, dropout, steps, found[tensor], tensor, kernels, loss
                )
                print(each, flush=True)
                yield each
                weights.unlink()


def distances(first: Path, second: Path) -> dict[str, float]:
    """Return the largest relative difference of each tensor in two files of weights."""
    found = {}
    with np.load(first) as one, np.load(second) as other:
        if set(one.files) != set(other.files):
            raise SystemExit(
                f"compare_strategies: {first} and {second} differ in kind."
            )
        for name in one.files:
            gap = np.abs(one[name] - other[name]).max()
            if not np.isfinite(gap):
                raise SystemExit(
                    f"compare_strategies: expected finite weights, got {name} of "
                    f"{second}: the training diverged. Lower --learning-rate."
                )
            largest = np.abs(one[name]).max() or 1.0  # a bias that is still 0
            found[name] = float(gap / largest)
    return found


def difference_table(differences: list[Difference]) -> Table:
    """Return one row a strategy, and a column for each number of steps and dropout."""
    kinds = sorted({(d.dropout, d.steps) for d in differences})
    heads = [f"dropout {dropout}, {steps} steps" for dropout, steps in kinds]
    table = Table("strategy", *heads)
    cells = {(d.strategy, d.dropout, d.steps): d for d in differences}
    for strategy in dict.fromkeys(d.strategy for d in differences):
        found = [cells[strategy, *kind] for kind in kinds]
        row = [f"{d.difference:.1e}, kernels {d.kernels:.1e}" for d in found]
        table.add_row(strategy, *row)
    return table


def markdown(table: Table) -> str:
    """Return a table as Markdown."""
    columns = [[str(column.header), *column.cells] for column in table.columns]
    head, *rows = zip(*columns, strict=True)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _train(options: Options, strategy: str, dropout: str, scratch: Path) -> Path:
    """Train in processes of its own; return the folder with weights and losses."""
    out = scratch / f"{strategy}-{dropout}".replace(" ", "-")
    out.mkdir()
    settings = json.loads(json.dumps(asdict(options), default=str))
    task = {"out": str(out), "dropout": dropout, "plan": STRATEGIES[strategy]}
    _run({**settings, **task}, scratch)
    return out


def _run(task: dict[str, Any], scratch: Path) -> None:
    """Do a task in a new process, or in several that find each other."""
    file = scratch / "task.json"
    file.write_text(json.dumps(task))
    command = [sys.executable, __file__, "--task", str(file)]
    if task["plan"].get("name") == "multiworker":
        own = ["--logs", scratch / "logs", "--program", " ".join(command[:2])]
        command = [sys.executable, LAUNCHER, WORKERS, *own, "--", *command[2:]]
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if done.returncode:
        sys.stderr.write(done.stdout[-3000:] + done.stderr[-3000:])
        raise SystemExit(f"compare_strategies: failed: {' '.join(map(str, command))}")


def do_task(task: dict[str, Any]) -> None:
    """Train as another process of this script wants; uses TensorFlow."""
    from keras_alexnet.training.devices.plan import plan_devices

    plan = plan_devices(**task["plan"])  # before anything else
    from keras_alexnet.data.mean import load_statistics, mean_patch
    from keras_alexnet.training.compile import compile_network
    from tfrecords import Manifest

    preset = _preset(task)
    classes = task["classes"] or Manifest.load(task["data"]).num_classes
    mean = mean_patch(load_statistics(task["data"]), preset.input_size)
    model = compile_network(preset, classes, plan, mean)
    before = 0
    for steps in sorted(task["steps"]):
        stream = _stream(task, preset, plan, before)
        history = model.fit(
            stream, steps_per_epoch=steps - before, verbose=0, shuffle=False
        ).history
        before = steps
        if plan.is_chief:
            _leave(model, Path(task["out"]), steps, history["loss"][-1])


def _leave(model: Any, out: Path, steps: int, loss: float) -> None:
    """Write the weights and the loss for the process that asked."""
    from keras_alexnet.training.state import model_state

    arrays = model_state.capture(model)
    weights = {
        name: array
        for name, array in arrays.items()
        if name.startswith("model/") and not name.endswith("counter")
    }
    np.savez(out / f"{steps}.npz", **weights)
    (out / f"{steps}.json").write_text(json.dumps(float(loss)))


def _preset(task: dict[str, Any]) -> Any:
    from keras_alexnet.presets import find_preset

    overrides = {k: task[k] for k in ("input_size", "units") if task[k] is not None}
    if task["dropout"] == "off":
        overrides["dropout"] = None
    return find_preset(task["preset"]).replace(
        **overrides,
        precision=task["precision"],
        batch_size=task["batch_size"],
        learning_rate=task["learning_rate"],
        seed=task["seed"],
    )


def _stream(task: dict[str, Any], preset: Any, plan: Any, step: int) -> Any:
    """Return the training stream from a step of the run on."""
    import functools

    from keras_alexnet.data import training_batches
    from tfrecords import Manifest

    steps = Manifest.load(task["data"]).count("train") // preset.recipe.batch_size
    make = functools.partial(
        training_batches,
        task["data"],
        batch_size=preset.recipe.batch_size,
        input_size=preset.input_size,
        epochs=1_000_000,
        first_epoch=step // steps,
        first_step=step % steps,
        seed=preset.recipe.seed,
        colour_noise=preset.recipe.colour_noise,
    )
    return plan.distribute(make)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        do_task(json.loads(Path(sys.argv[2]).read_text()))
    else:
        raise SystemExit(main(tyro.cli(Options, description=__doc__)))
