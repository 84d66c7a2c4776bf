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
from keras_alexnet.record import Figure, MeasureOptions, Record, run_as_script
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.plan import DevicePlan, plan_devices
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.streams import training_stream
from tests import small
from tests.tools import fork_server
from tfrecords.errors import UserError

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


@dataclass(frozen=True)
class StrategyOptions(MeasureOptions):
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


def measure(options: StrategyOptions) -> Record:
    """Train under each strategy, and return its differences from one device."""
    with tempfile.TemporaryDirectory() as scratch:
        figures = list(compare(options, Path(scratch)))
    title = "Largest difference from one device, of the largest weight of its tensor"
    return Record.now("devices", title, figures, options=asdict(options))


def compare(options: StrategyOptions, scratch: Path) -> Iterator[Figure]:
    """Train under each strategy and yield its differences from one device."""
    names = ("precision", "input_size", "units", "batch_size", "learning_rate")
    of = "largest difference of a"
    for dropout in ("off", "on"):
        preset = {name: getattr(options, name) for name in names}
        preset |= {"dropout": None} if dropout == "off" else {}
        more = {"preset": preset, "steps": sorted(options.steps)}
        start(options.data, scratch / "none", "none", **more)
        for strategy in options.strategies:
            out = scratch / strategy.replace(" ", "-")
            start(options.data, out, strategy, **more)
            for steps in options.steps:
                weights = f"{steps}.npz"
                found = distances(scratch / "none" / weights, out / weights)
                kernels = max(found[name] for name in found if "kernel" in name)
                largest = max(found, key=found.__getitem__)
                at = f"{strategy}, dropout {dropout}, {steps} steps"
                yield Figure(f"{of} weight: {at}", found[largest], "", f"in {largest}")
                yield Figure(f"{of} kernel: {at}", kernels)


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

    It leaves what it comes to in the folder `out`. `more` are `preset` and `steps` of
    `train_steps`; without them it is `small.train_dropouts`.
    """
    out.mkdir(parents=True, exist_ok=True)
    task = {"data": str(data), "out": str(out), "plan": STRATEGIES[strategy], **more}
    done = (_launch if "multiworker" in strategy else _fork)(out, json.dumps(task))
    if done.returncode:
        raise RuntimeError(done.stdout[-3000:] + done.stderr[-3000:])


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
            small.keep_weights(model, out / f"{wanted}.npz")


def _launch(out, task):
    program = [sys.executable, "-m", "tests.tools.strategies"]
    command = [sys.executable, "-m", "keras_alexnet", "launch", "2"]
    command += ["--logs", str(out / "logs"), "--program", shlex.join(program)]
    command += ["--", "--task", task]
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True)


def _fork(_, task):
    code = "import json, sys; from tests.tools.strategies import _do\n"
    return fork_server.run(f"{code}_do(**json.loads(sys.argv[1]))", task)


def _do(plan, data, out, **more) -> None:
    chosen = plan_devices(**plan)  # before anything else
    train = train_steps if more else small.train_dropouts
    train(Path(data), Path(out), chosen, **more)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--task"]:
        _do(**json.loads(sys.argv[2]))
    else:
        run_as_script(measure)
