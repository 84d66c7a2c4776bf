"""The paper's learning-rate heuristic, with a state that survives a restart."""

import math
from typing import Any

import keras

from tfrecords.errors import UserError


class Plateau(keras.callbacks.Callback):
    """Divide the learning rate by ten when the validation error stops improving.

    After `reductions` drops the next plateau ends the training. Unlike
    `keras.callbacks.ReduceLROnPlateau` the whole state can be read and set, and nothing
    is reset when training starts.

    Args:
        monitor: Name of the logged error to watch; smaller is better, and a value that
            is not finite is never the best.
        factor: Float in (0, 1). The rate is multiplied by it at each drop.
        patience: Epochs without a new best before a drop.
        reductions: Number of drops.
        min_delta: By how many standard errors of the best error an epoch has to be
            better than it to count as better; less may be chance. 0 takes any.
        pictures: Number of validation pictures, of which the standard error follows;
            needed with a `min_delta` above 0.

    Reference: section 5: "divide the learning rate by 10 when the validation error rate
    stopped improving", "reduced three times prior to termination".
    """

    def __init__(
        self,
        monitor: str = "val_error",
        factor: float = 0.1,
        patience: int = 5,
        reductions: int = 3,
        min_delta: float = 0.0,
        pictures: int | None = None,
    ) -> None:
        super().__init__()
        if not 0 < factor < 1 or not (patience >= 1 and reductions >= 0):
            raise UserError(
                "Plateau needs 0 < factor < 1, patience >= 1 and reductions >= 0. "
                f"Received: factor={factor}, patience={patience}, "
                f"reductions={reductions}"
            )
        if not 0 <= min_delta < math.inf or (min_delta and not (pictures or 0) > 0):
            raise UserError(
                "Plateau needs a finite min_delta >= 0, and above 0 the number of "
                f"validation pictures. Received: min_delta={min_delta}, "
                f"pictures={pictures}"
            )
        self.monitor = monitor
        self.factor = factor
        self.patience = patience
        self.reductions = reductions
        self.min_delta = min_delta
        self.pictures = pictures
        self.best = float("inf")
        self.wait = 0
        self.done = 0
        self.finished = False

    @property
    def state(self) -> dict[str, Any]:
        """What a resumed run needs: best, wait, drops done, finished, learning rate."""
        return {
            "best": self.best if math.isfinite(self.best) else None,
            "wait": self.wait,
            "done": self.done,
            "finished": self.finished,
            "learning_rate": learning_rate(self.model),
        }

    @state.setter
    def state(self, state: dict[str, Any]) -> None:
        best = state["best"]  # None, and earlier infinity: there was none yet
        known = best is not None and math.isfinite(best)
        self.best = best if known else float("inf")
        self.wait = state["wait"]
        self.done = state["done"]
        self.finished = state["finished"]
        self.model.optimizer.learning_rate = state["learning_rate"]

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        rate = self.model.optimizer.learning_rate
        if not isinstance(rate, keras.Variable):
            raise UserError(
                "Plateau sets the learning rate: it expects an optimizer whose "
                "learning_rate is a number. Received: a schedule."
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        logs = logs or {}
        if self.monitor not in logs:
            raise UserError(
                f"Plateau expects {self.monitor!r} in the logs of an epoch. "
                f"Received: {sorted(logs)}. Give fit validation_data."
            )
        current = float(logs[self.monitor])
        if math.isfinite(current) and current < self._to_beat():
            self.best, self.wait = current, 0
            return
        self.wait += 1
        if self.wait >= self.patience:
            self._drop()

    def _to_beat(self) -> float:
        if not self.min_delta or self.pictures is None or self.best == math.inf:
            return self.best
        return self.best - self.min_delta * standard_error(self.best, self.pictures)

    def _drop(self) -> None:
        self.wait = 0
        if self.done == self.reductions:
            self.finished = True
            self.model.stop_training = True
            return
        self.done += 1
        self.model.optimizer.learning_rate = learning_rate(self.model) * self.factor


def standard_error(error: float, pictures: int) -> float:
    """Return the standard error of an error rate: `sqrt(e * (1 - e) / n)`.

    Args:
        error: Fraction of the pictures, in [0, 1].
        pictures: Their number.
    """
    return math.sqrt(error * (1 - error) / pictures)


def learning_rate(model: keras.Model) -> float:
    """Return the current learning rate of a compiled model."""
    rate = model.optimizer.learning_rate
    return float(rate.value.numpy() if isinstance(rate, keras.Variable) else rate)
