"""The state of a run while it trains: when it is saved, and what goes on from it."""

import csv
import functools
import io
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.trained.config_file import TrainConfig
from keras_alexnet.trained.folder import CHECKPOINTS, HISTORY_FILE, save_best
from keras_alexnet.training.callbacks import RateLog
from keras_alexnet.training.state import model_state
from keras_alexnet.training.state.background import CheckpointWriter
from keras_alexnet.training.state.checkpoint import Checkpoint, save_checkpoint
from keras_alexnet.training.state.stopping import (
    SIGNALS,
    Agreement,
    Interrupts,
    Stopped,
)
from keras_alexnet.training.update.plateau import Plateau
from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, write_atomically

AGREEMENT = 10  # steps between two questions to the other workers


class TrainState(keras.callbacks.Callback):
    """Save everything that a resumed run needs, each epoch and within it.

    Comes last in the list, so that it sees what the others have decided. One file holds
    it all; `history.csv` and `best.keras` follow from it and are written before it, so
    that a kill at any moment leaves nothing newer than they are. A copy of the state is
    written in the background while training goes on. With several workers the chief
    alone writes; all agree on when to save and to stop.

    A context manager: leaving it waits for what is being written.

    Args:
        run: The run folder.
        config: The run's configuration.
        steps: Steps of an epoch.
        clock: What measures the seconds of an epoch.
        plateau: None with a schedule.
        interrupts: Where signals are noted.

    Attributes:
        epoch: Number of finished epochs.
        step: Steps taken in the one after them.
        history: One row for each finished epoch.
        training_logs: Results of an epoch's steps whose validation was not finished.

    Raises:
        Stopped: A signal came; the state was saved first.
        DatasetError: The last state could not be saved, or is not finite.
    """

    def __init__(
        self,
        run: Path,
        config: TrainConfig,
        steps: int,
        clock: RateLog,
        plateau: Plateau | None,
        interrupts: Interrupts,
    ) -> None:
        super().__init__()
        self.run = run
        self.config = config
        self.steps = steps
        self.clock = clock
        self.plateau = plateau
        self.interrupts = interrupts
        self.epoch = self.step = 0
        self.history: list[dict[str, float]] = []
        self.training_logs: dict[str, float] | None = None
        self._sums: dict[str, np.ndarray] | None = None
        self._best: dict[str, np.ndarray] | None = None
        self._agreement: Agreement | None = None
        self._writer = CheckpointWriter()
        self._last_save = time.monotonic()

    @property
    def finished(self) -> bool:
        """Whether the last plateau or the last epoch is over."""
        stopped = self.plateau is not None and self.plateau.finished
        return stopped or self.epoch >= self.config.last_epoch

    def load(self, checkpoint: Checkpoint) -> None:
        """Take over the state of an earlier process; the model is set already.

        Raises:
            DatasetError: It is of another network, or of an epoch of other length, or
                its training had diverged, which earlier versions did not notice.
        """
        state = checkpoint.state
        if state["history"] and not is_finite(state["history"][-1]):
            raise DatasetError(
                f"Epoch {checkpoint.epoch} of {self.run} ended with figures that are "
                "not finite: the training had diverged. Train again in a new run with "
                "a lower --learning-rate."
            )
        if checkpoint.step and state["steps"] != self.steps:
            raise DatasetError(
                f"Expected an epoch of {state['steps']} steps, as in "
                f"{checkpoint.name}, got one of {self.steps}. Give the run its own "
                "batch size."
            )
        sums = {
            name: array
            for name, array in checkpoint.arrays.items()
            if name.startswith(model_state.METRICS)
        }
        rest = {n: a for n, a in checkpoint.arrays.items() if n not in sums}
        model_state.restore(self.model, rest, f"Checkpoint {checkpoint.name}")
        self.epoch, self.step = checkpoint.epoch, checkpoint.step
        self.history = state["history"]
        self.training_logs = state["training_logs"]
        self.clock.seconds_before = state["seconds"]
        self._sums = sums or None
        if self.plateau is not None:
            self.plateau.state = state["plateau"]
            if not all(map(is_finite, self.history)):
                self.plateau.best = best_row(self.history)["val_error"]

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # After `fit` has set the metrics to zero.
        sums, self._sums = self._sums, None
        if sums is not None:
            model_state.write_sums(self.model, sums)
        elif self.training_logs is None:
            self.step = 0
        self.epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.step += 1
        if self.step == self.steps:
            return  # a signal stops the validation, and the epoch's end saves
        signum, due = self._wishes()
        if signum is not None or due:
            self._save(model_state.read_sums(self.model))
        if signum is not None:
            self._stop(signum)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not _several_workers(self.model):
            results = self.model.get_metrics_result()
            self.training_logs = {name: float(v) for name, v in results.items()}
            self._stop_in_validation()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not _several_workers(self.model):
            self._stop_in_validation()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row = {"epoch": epoch + 1, **{k: float(v) for k, v in (logs or {}).items()}}
        self.history.append(row)
        self.epoch, self.step, self.training_logs = epoch + 1, 0, None
        self.clock.seconds_before = 0.0
        self._save(best=best_row(self.history) is row)
        signum, _ = self._wishes(at_epoch_end=True)
        if signum is not None and not self.finished:
            self._stop(signum)

    def __enter__(self) -> "TrainState":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._writer.wait()
        if kind is None and self._writer.error is not None:
            self._save()
            self._check_saved()

    def _wishes(self, at_epoch_end: bool = False) -> tuple[int | None, bool]:
        """Return the signal to stop for, and whether it is time to save."""
        signum = self.interrupts.signum
        place = self.epoch * self.steps + self.step
        every, minutes = self.config.save_every, self.config.save_minutes
        due = every is not None and place % every == 0
        late = minutes is not None and (
            time.monotonic() - self._last_save >= 60 * minutes
        )
        if not _several_workers(self.model):
            return signum, due or late
        if place % AGREEMENT and not at_epoch_end:
            return None, due
        flags = [*(signum == known for known in SIGNALS), late]
        if self._agreement is None:
            self._agreement = Agreement(self.model.distribute_strategy)
        *signals, late = self._agreement.any(flags)
        wished = [known for known, flag in zip(SIGNALS, signals, strict=True) if flag]
        return (wished[0] if wished else None), due or late

    def _stop_in_validation(self) -> None:
        signum = self.interrupts.signum
        if signum is not None:
            self._save()
            self._stop(signum)

    def _stop(self, signum: int) -> None:
        self._check_saved()
        raise Stopped(signum, self.epoch + 1, self.step)

    def _check_saved(self) -> None:
        self._writer.wait()
        if self._writer.error is not None:
            go_on = "go on with the same command and --resume"
            raise disk_error(self._writer.error, self.run / CHECKPOINTS, go_on)

    def _save(
        self, sums: dict[str, np.ndarray] | None = None, best: bool = False
    ) -> None:
        self._last_save = time.monotonic()
        if not self.model.distribute_strategy.extended.should_checkpoint:
            return  # not the chief
        self._writer.wait()  # before the copy: never two of them
        arrays = model_state.capture(self.model)
        _check_finite(arrays)
        if best:
            self._best = arrays
        state = {
            "history": list(self.history),
            "plateau": None if self.plateau is None else self.plateau.state,
            "seconds": self.clock.seconds if self.step else 0.0,
            "steps": self.steps,
            "training_logs": self.training_logs,
        }
        held = {**arrays, **(sums or {})}
        checkpoint = Checkpoint(self.epoch, self.step, held, state)
        self._writer.submit(functools.partial(self._write, checkpoint))

    def _write(self, checkpoint: Checkpoint) -> None:
        if self._best is not None:
            save_best(self.run, self.config, self._best)
            self._best = None
        history = checkpoint.state["history"]
        if history:
            write_atomically(self.run / HISTORY_FILE, _table(history))
        save_checkpoint(self.run / CHECKPOINTS, checkpoint, self.config.keep)


def best_row(history: Sequence[Mapping[str, float]]) -> Mapping[str, float]:
    """Return the row of the best epoch, whose network `best.keras` is.

    It has the smallest validation error; of several the last, which was trained longest
    and at the smallest rate. Epochs with figures that are not finite do not count.

    Raises:
        DatasetError: No epoch counts.
    """
    rows = [row for row in history if is_finite(row)]
    if not rows:
        raise DatasetError("Expected an epoch with finite figures, found none.")
    return min(reversed(rows), key=lambda row: row["val_error"])


def is_finite(row: Mapping[str, float]) -> bool:
    """Return whether all figures of an epoch are numbers."""
    return all(math.isfinite(value) for value in row.values())


def _several_workers(model: keras.Model) -> bool:
    return isinstance(
        model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
    )


def _check_finite(arrays: dict[str, np.ndarray]) -> None:
    """Raise before a state is saved that the loss has not shown yet to be lost."""
    with np.errstate(over="ignore", invalid="ignore"):
        for name, array in arrays.items():
            if not np.isfinite(array.sum()):
                raise DatasetError(
                    f"{name} is no longer finite, and has not been saved: the training "
                    "has diverged. Lower --learning-rate in a new run."
                )


def _table(rows: list[dict[str, float]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
