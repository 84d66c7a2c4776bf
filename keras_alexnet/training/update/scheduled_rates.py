"""The learning-rate schedules of `presets.schedule`, set epoch by epoch."""

from collections.abc import Callable
from typing import Any

import keras

from keras_alexnet.presets.recipe import Recipe
from keras_alexnet.presets.schedule import SCHEDULES, Schedule
from keras_alexnet.training.update.optimizer import CoupledSGD, layer_of


class ScheduledRates(keras.callbacks.Callback):
    """Set the rate of every layer at the start of each epoch.

    The rates are variables of the optimizer: a change needs no new graph, and they are
    saved with its state. The callback has no state of its own.

    Args:
        schedule: What to follow; after its last change the rates stay.
        learning_rate: Initial rate of weights; 0.01 in the logs.
        bias_rate: Initial rate of biases over that of weights; 2 in the logs.
        layer_rate: What the rate of a layer is multiplied by, by its name.
    """

    def __init__(
        self,
        schedule: Schedule,
        learning_rate: float,
        bias_rate: float,
        layer_rate: Callable[[str], float] = lambda layer: 1.0,
    ) -> None:
        super().__init__()
        self.schedule = schedule
        self.learning_rate = learning_rate
        self.bias_rate = bias_rate
        self.layer_rate = layer_rate

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        common = self.schedule.weight_rate(epoch)
        optimizer.learning_rate = self.learning_rate * common
        self._set_factors(optimizer, epoch, common)

    def _set_factors(self, optimizer: CoupledSGD, epoch: int, common: float) -> None:
        for path, factor in optimizer.rate_factors.items():
            layer, kind = layer_of(path), path.split("/")[-1]
            initial = self.bias_rate if kind == "bias" else 1.0
            initial *= self.layer_rate(layer)
            factor.assign(initial * self.schedule.rate(epoch, layer, kind) / common)


def say_schedule(recipe: Recipe) -> None:
    """Print one line where a run is shorter or longer than its schedule."""
    schedule = SCHEDULES.get(recipe.schedule)
    if schedule is None or recipe.last_epoch == schedule.stop:
        return
    rest = (
        f"what it does later than epoch {recipe.last_epoch} is left out"
        if recipe.last_epoch < schedule.stop
        else "the last rates go on to the end"
    )
    print(
        f"Schedule {recipe.schedule} is made for {schedule.stop} epochs, this run has "
        f"{recipe.last_epoch}: {rest}."
    )
