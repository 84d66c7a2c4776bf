"""The processes of a training that goes on when it is told to, on noise."""

import json
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scripts.benchmarks.answer import Task, serve
from scripts.benchmarks.system import System
from scripts.benchmarks.system_process import SystemProcess

WARM_UP = 2  # steps before the first answer: weights, slots and connections exist then


def prepare(job: dict[str, Any]) -> Task:
    """Make the task of so many steps of `fit`; `multiworker` asks `TF_CONFIG`."""
    import tensorflow as tf

    from keras_alexnet.benchmark.fit import HeldFit
    from keras_alexnet.benchmark.repeated_step import noise
    from keras_alexnet.presets import find_preset
    from keras_alexnet.training.compile import compile_network
    from keras_alexnet.training.devices.plan import plan_devices

    kind, replicas, own = job["kind"], job["replicas"], job["batch_size"]
    # Parts of the CPU in one process; each of `multiworker` has one device.
    parts = {"mirrored": replicas, "towers": 2}.get(kind)
    plan = plan_devices(kind, logical_devices=parts)
    fields = {"batch_size": replicas * own, "learning_rate": 0.001, **job["overrides"]}
    preset = find_preset(job["preset"]).replace(**fields)
    model = compile_network(preset, job["classes"], plan)
    batch = noise(own, model.inputs[0].shape[1], job["classes"])
    stream = tf.data.Dataset.from_tensors(batch).repeat()
    fit = HeldFit(model, plan.distribute(lambda **rows: stream))
    fit.take(WARM_UP)
    return Task(lambda: fit.take(job["calls"]), calls=1)


class ReplicaProcesses:
    """The processes of one job, which find each other in their `TF_CONFIG`.

    Args:
        program: What each runs; for tests another one.
        job: Of all of them.
        count: How many.
        folder: Existing; what the first says is in `0.log`.
        timeout: Seconds within which each answer has to come.

    Raises:
        SystemFailure: A process ended before it was ready, or was not ready in time.
    """

    def __init__(
        self,
        program: str,
        job: Mapping[str, Any],
        count: int,
        folder: Path,
        timeout: float,
    ) -> None:
        self.processes: list[SystemProcess] = []
        python, cores = Path(sys.executable), sorted(os.sched_getaffinity(0))
        try:
            for place, variables in enumerate(_addresses(count)):
                system = System(str(place), python, program, dict(job))
                process = SystemProcess(
                    system, folder, cores, variables=variables, timeout=timeout
                )
                self.processes.append(process)
            for process in self.processes:
                process.ready()
        except BaseException:
            self.kill()
            raise

    def train(self) -> list[dict[str, float]]:
        """Run all at once; return the `seconds` and `processor` seconds of each."""
        for process in self.processes:
            process.order()
        return [process.answer("seconds") for process in self.processes]

    def kill(self) -> None:
        """End all: TensorFlow swallows SIGTERM in a group of workers."""
        for process in self.processes:
            process.kill()

    def __enter__(self) -> "ReplicaProcesses":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def _addresses(count: int) -> list[dict[str, str]]:
    """Return the environment of each process: addresses and its place among them."""
    if count == 1:
        return [{}]
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for free in sockets:
            free.bind(("127.0.0.1", 0))
        workers = [f"127.0.0.1:{free.getsockname()[1]}" for free in sockets]
    places = [{"type": "worker", "index": place} for place in range(count)]
    cluster = {"worker": workers}
    return [{"TF_CONFIG": json.dumps({"cluster": cluster, "task": t})} for t in places]


if __name__ == "__main__":
    serve(prepare)
