"""Several training steps in one call of a compiled function, and the wait for input."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

Logs = dict[str, tf.Tensor]


class StepLoop:
    """A train function for Keras' `fit` that takes steps in groups.

    Keras calls it once for each step. It puts steps off until a group is complete, and
    takes them all in one call of TensorFlow: in between nothing of Python, or of Keras'
    callbacks, stands between two steps. Keras' own `steps_per_execution` would read
    past the end of an epoch whose steps it does not divide.

    Args:
        step: Takes a training step on one batch of an iterator, and returns logs.
        size: Steps of a group; 1 under a strategy.
        ends_here: Whether the step that is being counted ends its group: where an epoch
            ends, or a checkpoint is due.

    Attributes:
        pending: Steps that were counted and not taken yet. The network is as it was
            before them.
        waited: Seconds in all that a step waited for its batch. The device may have
            been busy with the step before for a part of them.
    """

    def __init__(
        self, step: Callable[[Any], Logs], size: int, ends_here: Callable[[], bool]
    ) -> None:
        self.size = size
        self.pending = 0
        self.waited = 0.0
        self._step = step
        self._ends_here = ends_here
        self._logs: Logs = {}
        self._take = tf.function(self._steps, autograph=False, reduce_retracing=True)

    def __call__(self, iterator: Any) -> Logs:
        """Count a step; take those that are pending if it ends a group.

        Returns:
            What the last step that was taken logs.
        """
        self.pending += 1
        if self.pending < self.size and not self._ends_here():
            return self._logs
        self._logs, waited = self._take(iterator, tf.constant(self.pending))
        self.pending = 0
        self.waited += float(waited)
        return self._logs

    def _steps(self, iterator: Any, count: tf.Tensor) -> tuple[Logs, tf.Tensor]:
        with tf.device("CPU:0"):
            waited = tf.constant(0.0, tf.float64)
        if self.size > 1:
            _, waited = tf.while_loop(
                lambda done, waited: done < count - 1,
                lambda done, waited: (done + 1, self._one(iterator, waited)[1]),
                (tf.constant(0), waited),
                parallel_iterations=1,
            )
        return self._one(iterator, waited)

    def _one(self, iterator: Any, waited: tf.Tensor) -> tuple[Logs, tf.Tensor]:
        # The clock is the host's: on a GPU to read it would wait for the step before.
        with tf.device("CPU:0"):
            start = tf.timestamp()
        with tf.control_dependencies([start]):
            batch = iterator.get_next()
        with tf.device("CPU:0"), tf.control_dependencies(_tensors(batch)):
            waited = waited + tf.timestamp() - start
        return self._step(batch), waited


def _tensors(batch: Any) -> list[tf.Tensor]:
    """Return the tensors of a batch, those of all replicas of this process."""
    local = tf.distribute.get_strategy().experimental_local_results
    return [tensor for each in tf.nest.flatten(batch) for tensor in local(each)]
