"""A short training under one strategy, for tests: one strategy a process.

`python -m tests.strategy_run DATA OUT OPTIONS` trains the small network
with and without dropout, and leaves in OUT what the two runs came to.
"""

import json
import sys
from pathlib import Path

import numpy as np

from keras_alexnet.training.devices.plan import ONE_DEVICE, DevicePlan, plan_devices
from keras_alexnet.training.state import model_state
from tests import small

DROPOUTS = (None, "original", "inverted")


def run_all(data: Path, out: Path, plan: DevicePlan = ONE_DEVICE) -> None:
    """Train once for each form of dropout, one epoch of 13 steps."""
    for dropout in DROPOUTS:
        fields = {"epochs": 1, "learning_rate": 0.002, "dropout": dropout}
        state = small.train(data, out / f"run-{dropout}", plan=plan, **fields)
        # The metrics still hold the validation; to read them, all workers are needed.
        counts = {
            metric.name: float(metric.count.value.numpy())
            for metric in _means(state.model.metrics)
        }
        if plan.is_chief:
            _leave(out / f"{dropout}.npz", model_state.capture(state.model))
            facts = {"counts": counts, "history": state.history}
            facts |= {"replicas": plan.replicas, "towers": plan.towers}
            (out / f"{dropout}.json").write_text(json.dumps(facts))


def _means(metrics):
    for metric in metrics:
        yield from _means(metric.metrics) if hasattr(metric, "metrics") else [metric]


def _leave(path: Path, arrays: dict) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)


if __name__ == "__main__":
    options = json.loads(sys.argv[3])
    chosen = plan_devices(**options)
    Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
    run_all(Path(sys.argv[1]), Path(sys.argv[2]), chosen)
