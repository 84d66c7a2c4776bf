"""Train the same steps under every strategy, and compare with one device.

    python -m tests.tools.strategies DATA --json results/devices/strategies.json

Each strategy trains in processes of its own on logical devices of the CPU, from the
same seed and the same pictures, with dropout off and on. Shown is the largest
difference of any weight from one device, relative to the largest weight of its tensor;
then the same of kernels alone, because biases that start at 0 are small for long.

Dropout masks, crops and colours are functions of (seed, step, place in the global
batch), so that with dropout on the same sums are compared as with dropout off.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro

from keras_alexnet.data.mean import mean_patch
from keras_alexnet.presets import find_preset
from keras_alexnet.record import Figure, Record
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.plan import ONE_DEVICE, DevicePlan, plan_devices
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.state import model_state
from keras_alexnet.training.streams import training_stream
from tests import small
from tfrecords.errors import UserError
from tfrecords.tables import Console

ROOT = Path(__file__).parents[2]
# What `plan_devices` gets; multiworker ones are two processes.
STRATEGIES: dict[str, dict[str, Any]] = {
    "none": {},
    "towers": {"name": "towers", "logical_devices": 2},
    "mirrored x2": {"name": "mirrored", "logical_devices": 2},
    "mirrored x4": {"name": "mirrored", "logical_devices": 4},
    "multiworker x2": {"name": "multiworker"},
    "towers x mirrored": {"name": "mirrored", "towers": True, "logical_devices": 4},
    "towers x multiworker": dict(name="multiworker", towers=True, logical_devices=2),
}
DROPOUTS = (None, "original", "inverted")


@dataclass(frozen=True)
class Options:
    """Train the same steps under every strategy, and compare with one device."""

    data: tyro.conf.Positional[Path]
    """Dataset folder made by `alexnet build`."""
    precision: Literal["float32", "float64"] = "float32"
    """Arithmetic and weights. Rounding grows with every step, so that float64 tells a
    mistake from rounding."""
    input_size: int = 224
    """Side of the crops in pixels."""
    units: int = 4096
    """Units of fc6 and fc7."""
    batch_size: int = 64
    """Images in a global batch."""
    learning_rate: float = 0.001
    """Rate of the weights; the paper's 0.01 diverges in some ten steps where dropout is
    off and the classes are few."""
    steps: tuple[int, ...] = (10, 100)
    """After how many steps to compare."""
    strategies: tuple[Literal[*STRATEGIES], ...] = tuple(STRATEGIES)[1:]
    """Which to compare with one device."""
    seed: int = 0
    """Initial weights, order, crops, colours, dropout."""
    json: Path | None = None
    """Write the figures to this file."""


def main(options: Options) -> int:
    """Measure, print the table and write the file that was asked for."""
    with tempfile.TemporaryDirectory() as scratch:
        figures = list(compare(options, Path(scratch)))
    title = "Largest difference from one device, of the largest weight of its tensor"
    record = Record.now("devices", title, figures, options=asdict(options))
    Console().print(record.table())
    if options.json:
        record.save(options.json)
    return 0


def compare(options: Options, scratch: Path) -> Iterator[Figure]:
    """Train under each strategy and yield its differences from one device."""
    names = ("precision", "input_size", "units", "batch_size", "learning_rate", "seed")
    for dropout in ("off", "on"):
        preset = {name: getattr(options, name) for name in names}
        preset |= {"dropout": None} if dropout == "off" else {}
        for strategy in ("none", *options.strategies):
            out = scratch / strategy.replace(" ", "-")
            more = {"preset": preset, "steps": sorted(options.steps)}
            start(options.data, out, strategy, **more)
            for steps in options.steps if strategy != "none" else ():
                found = distances(
                    scratch / "none" / f"{steps}.npz", out / f"{steps}.npz"
                )
                kernels = max(found[name] for name in found if "kernel" in name)
                largest = max(found, key=lambda name: found[name])
                of, at = "largest difference of a", f"dropout {dropout}, {steps} steps"
                name = f"{of} weight: {strategy}, {at}"
                yield Figure(name, found[largest], "", f"in {largest}")
                yield Figure(f"{of} kernel: {strategy}, {at}", kernels)


def distances(first: Path, second: Path) -> dict[str, float]:
    """Return the largest relative difference of each tensor in two files of weights."""
    found = {}
    with np.load(first) as one, np.load(second) as other:
        assert set(one.files) == set(other.files), (first, second)
        for name in one.files:
            gap = np.abs(one[name] - other[name]).max()
            if not np.isfinite(gap):
                raise UserError(
                    f"Expected finite weights, got {name} of {second}: the training "
                    "diverged. Lower --learning-rate."
                )
            largest = np.abs(one[name]).max() or 1.0  # a bias that is still 0
            found[name] = float(gap / largest)
    return found


def start(data: Path, out: Path, strategy: str, **more: Any) -> None:
    """Train in a new process, or in two that find each other, and wait for it.

    Args:
        data: Dataset folder.
        out: Folder for what it comes to.
        strategy: One of `STRATEGIES`.
        more: `preset` and `steps` of `train_steps`; none for `train_small`.
    """
    out.mkdir(parents=True, exist_ok=True)
    task = {"data": str(data), "out": str(out), "plan": STRATEGIES[strategy], **more}
    arguments = ["--task", json.dumps(task)]
    command = [sys.executable, "-m", "tests.tools.strategies"]
    if "multiworker" in strategy:
        launch = [sys.executable, "-m", "keras_alexnet", "launch", "2"]
        launch += ["--logs", str(out / "logs"), "--program", shlex.join(command)]
        command = [*launch, "--"]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *arguments], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])


def train_small(data: Path, out: Path, plan: DevicePlan = ONE_DEVICE) -> None:
    """Train the small network of tests for an epoch with each form of dropout."""
    for dropout in DROPOUTS:
        fields = {"epochs": 1, "learning_rate": 0.002, "dropout": dropout}
        state = small.train(data, out / f"run-{dropout}", plan=plan, **fields)
        # The metrics still hold the validation; to read them, all workers are needed.
        metrics = _means(state.model.metrics)
        counts = {each.name: float(each.count.value.numpy()) for each in metrics}
        if plan.is_chief:
            _leave(state.model, out / f"{dropout}.npz")
            facts = {"counts": counts, "history": state.history}
            facts |= {"replicas": plan.replicas, "towers": plan.towers}
            (out / f"{dropout}.json").write_text(json.dumps(facts))


def train_steps(data: Path, out: Path, plan: DevicePlan, preset, steps) -> None:
    """Train the released network, with fields of `preset`, so many steps."""
    network, dataset = find_preset("released").replace(**preset), RunDataset.read(data)
    mean = mean_patch(dataset.statistics, network.input_size)
    model = compile_network(network, dataset.manifest.num_classes, plan, mean)
    a_epoch, done = dataset.manifest.count("train") // network.recipe.batch_size, 0
    for wanted in steps:
        epoch, step = divmod(done, a_epoch)
        place = {"epoch": epoch, "step": step, "last": 1_000_000}
        stream = training_stream(network, dataset, plan, **place)
        model.fit(stream, steps_per_epoch=wanted - done, verbose=0, shuffle=False)
        done = wanted
        if plan.is_chief:
            _leave(model, out / f"{wanted}.npz")


def _means(metrics):
    for metric in metrics:
        yield from _means(metric.metrics) if hasattr(metric, "metrics") else [metric]


def _leave(model: Any, path: Path) -> None:
    arrays = model_state.capture(model)
    np.savez(path, **{n: a for n, a in arrays.items() if n.startswith("model/")})


def _do(task: dict[str, Any]) -> None:
    plan = plan_devices(**task.pop("plan"))  # before anything else
    data, out = Path(task.pop("data")), Path(task.pop("out"))
    if task:
        train_steps(data, out, plan, **task)
    else:
        train_small(data, out, plan)


if __name__ == "__main__":
    if sys.argv[1] == "--task":
        _do(json.loads(sys.argv[2]))
    else:
        raise SystemExit(main(tyro.cli(Options, description=__doc__)))
