"""How far a run is: plain numbers, which its checkpoints keep."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tfrecords.errors import UserError

if TYPE_CHECKING:
    import keras


@dataclass
class RunProgress:
    """Where a run is, and what its epochs came to.

    Attributes:
        steps: Steps of an epoch.
        last_epoch: Number of epochs after which the run ends at the latest.
        epoch: Number of finished epochs.
        step: Steps taken in the one after them.
        history: One row of figures for each finished epoch.
        training_logs: Results of an epoch's steps whose validation was not finished.
        plateaus_over: Whether the last plateau has ended the run.
        model: The network as it is now, with its optimizer; None until there is one.
    """

    steps: int
    last_epoch: int
    epoch: int = 0
    step: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    training_logs: dict[str, float] | None = None
    plateaus_over: bool = False
    model: "keras.Model | None" = None

    @property
    def finished(self) -> bool:
        """Whether the last plateau or the last epoch is over."""
        return self.plateaus_over or self.epoch >= self.last_epoch

    @property
    def steps_taken(self) -> int:
        """Steps since the run began."""
        return self.epoch * self.steps + self.step

    def end_epoch(self, epoch: int, logs: Mapping[str, float]) -> dict[str, float]:
        """Note that an epoch, counted from 0, is over; return its row."""
        row = {"epoch": epoch + 1, **{k: float(v) for k, v in logs.items()}}
        self.history.append(row)
        self.epoch, self.step, self.training_logs = epoch + 1, 0, None
        return row


def best_row(history: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Return the row of the best epoch, whose network the run keeps.

    It has the smallest validation error; of several the one with the smallest
    validation loss, and of these the last, which was trained longest and at the
    smallest rate. Epochs with figures that are not finite do not count.

    Raises:
        UserError: No epoch counts.
    """
    rows = [row for row in history if is_finite(row)]
    if not rows:
        raise UserError("Expected an epoch with finite figures, found none.")
    return min(reversed(rows), key=lambda row: (row["val_error"], row["val_loss"]))


def is_finite(row: Mapping[str, float]) -> bool:
    """Return whether all figures of an epoch are numbers."""
    return all(math.isfinite(value) for value in row.values())
