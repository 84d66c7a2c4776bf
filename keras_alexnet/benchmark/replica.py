"""One process of a training job that goes on when it is told to, on noise.

`python -m keras_alexnet.benchmark.replica JSON`: reads numbers of steps from standard
input, one a line, and answers each with a line of JSON. `loopback` starts it.
"""

import json
import os
import sys
import time
from dataclasses import dataclass, field
from typing import Any, TextIO

import keras
import tensorflow as tf

from keras_alexnet.data import BatchRows
from keras_alexnet.presets import find_preset
from keras_alexnet.training import allocator
from keras_alexnet.training.compile import compile_network
from keras_alexnet.training.devices.plan import StrategyName, plan_devices

WARM_UP = 2  # steps before the first answer: weights, slots and connections exist then
FOREVER = 1_000_000_000  # steps; the process is stopped from outside


@dataclass(frozen=True)
class Job:
    """What one process trains.

    Attributes:
        kind: As `alexnet train --strategy`. `mirrored` and `towers` split the CPU into
            logical devices; each process of `multiworker` has one device.
        replicas: Replicas of the whole job.
        batch_size: Images a replica in a step.
        preset: The network.
        num_classes: Its outputs.
        overrides: Fields of the preset.
    """

    kind: StrategyName
    replicas: int
    batch_size: int
    preset: str = "released"
    num_classes: int = 1000
    overrides: dict[str, Any] = field(default_factory=dict)

    @property
    def processes(self) -> int:
        """How many processes make up the job."""
        return self.replicas if self.kind == "multiworker" else 1

    @property
    def logical_devices(self) -> int | None:
        """Parts of the CPU in one process, or None for the whole."""
        return {"mirrored": self.replicas, "towers": 2}.get(self.kind)


def train(job: Job, orders: TextIO, answers: TextIO) -> None:
    """Train through `fit` as many steps as each line of `orders` says.

    An answer is `{"ready": true}` after the warm-up, then the processor and wall-clock
    seconds of each order. `multiworker` finds its cluster in `TF_CONFIG`.
    """
    plan = plan_devices(job.kind, logical_devices=job.logical_devices)
    preset = find_preset(job.preset).replace(**job.overrides, learning_rate=0.001)
    model = compile_network(preset, job.num_classes, plan)
    noise = _noise(job, model.inputs[0].shape[1])

    def batches(rows: BatchRows | None = None) -> tf.data.Dataset:
        return noise

    model.fit(
        plan.distribute(batches),
        steps_per_epoch=FOREVER,
        callbacks=[_Obedience(orders, answers)],
        shuffle=False,
        verbose=0,
    )


def _noise(job: Job, size: int) -> tf.data.Dataset:
    """Return one batch of a replica, again and again."""
    # As spread out as pictures are after the mean is subtracted.
    shape = (job.batch_size, size, size, 3)
    images = 60.0 * tf.random.stateless_normal(shape, (0, 0))
    labels = tf.range(job.batch_size, dtype=tf.int64) % job.num_classes
    return tf.data.Dataset.from_tensors((images, labels)).repeat()


class _Obedience(keras.callbacks.Callback):
    """Holds the training until the next order comes; ends it when none will."""

    def __init__(self, orders: TextIO, answers: TextIO) -> None:
        super().__init__()
        self.orders = orders
        self.answers = answers
        self.left = WARM_UP
        self.begin: tuple[float, float] | None = None

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.left -= 1
        if self.left == 0:
            self._answer()
            line = self.orders.readline()
            self.left = int(line or 0)
            self.model.stop_training = not line
            self.begin = time.process_time(), time.perf_counter()

    def _answer(self) -> None:
        answer: dict[str, Any] = {"ready": True}
        if self.begin is not None:
            processor, wall = self.begin
            answer = {
                "processor": time.process_time() - processor,
                "wall": time.perf_counter() - wall,
            }
        print(json.dumps(answer), file=self.answers, flush=True)


def main() -> int:
    """Train the job of the first argument."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the rest is not an answer
    allocator.keep_freed_memory()
    train(Job(**json.loads(sys.argv[1])), sys.stdin, answers)
    return 0


if __name__ == "__main__":
    sys.exit(main())
