"""The processes of a training that goes on when it is told to, on noise."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from keras_alexnet.launch.group import HOST, free_ports
from scripts.benchmarks.answer import Task, serve
from scripts.benchmarks.system import System
from scripts.benchmarks.system_process import SystemProcess

CLASSES = 1000
WARM_UP = 2  # steps before the first answer: weights, slots and connections exist then


def held_fit(plan: Any, preset: Any, own: int) -> Any:
    """Return a `HeldFit` of a preset on `own` images a replica, warm, and its model."""
    import tensorflow as tf

    from keras_alexnet.benchmark.fit import HeldFit
    from keras_alexnet.benchmark.step import noise
    from keras_alexnet.training.compile import compile_network

    model = compile_network(preset, CLASSES, plan)
    # One batch, again and again, so that no input is timed.
    batch = noise(own, preset.input_size, CLASSES)
    stream = tf.data.Dataset.from_tensors(batch).repeat()
    fit = HeldFit(model, plan.distribute(lambda **rows: stream))
    fit.take(WARM_UP)
    return fit, model


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of a step of `fit`; `multiworker` asks `TF_CONFIG`."""
    from keras_alexnet.presets import find_preset
    from keras_alexnet.training.devices.plan import plan_devices

    kind, replicas, own = job["kind"], job["replicas"], job["batch_size"]
    # Parts of the CPU in one process; each of `multiworker` has one device.
    parts = {"mirrored": replicas, "towers": 2}.get(kind)
    fields = {"batch_size": replicas * own, "learning_rate": 0.001, **job["sizes"]}
    preset = find_preset("released").replace(**fields)
    fit, _ = held_fit(plan_devices(kind, logical_devices=parts), preset, own)
    return Task(lambda: fit.take(1), calls=job["steps"])


class ReplicaProcesses:
    """The processes of one job, which find each other; all are ready in a `with`.

    Raises:
        SystemFailure: A process ended before it was ready, or was not ready in time.
    """

    def __init__(self, system: System, count: int, folder: Path) -> None:
        cores = sorted(os.sched_getaffinity(0))
        self.processes = [
            SystemProcess(replace(system, name=str(i)), folder, cores, variables=found)
            for i, found in enumerate(addresses(count))
        ]

    def __enter__(self) -> "ReplicaProcesses":
        try:
            for process in self.processes:
                process.answer("ready")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            process.kill()  # TensorFlow swallows SIGTERM in a group of workers

    def train(self) -> list[dict[str, float]]:
        """Run all at once; return `seconds` and `processor` seconds a step of each."""
        for process in self.processes:
            process.order()
        return [process.answer("seconds") for process in self.processes]


def addresses(count: int) -> list[dict[str, str]]:
    """Return the environment of each process: all workers and its place among them."""
    if count == 1:
        return [{}]
    cluster = {"worker": [f"{HOST}:{port}" for port in free_ports(count)]}
    places = [{"type": "worker", "index": place} for place in range(count)]
    return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": t})} for t in places]


if __name__ == "__main__":
    serve(prepare)
