"""When the state of a run is saved, and how another process takes it over."""

import csv
import functools
import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_alexnet.trained.names import CHECKPOINTS, HISTORY_FILE
from keras_alexnet.training.callbacks import EpochLog
from keras_alexnet.training.state import model_state
from keras_alexnet.training.state.background import CheckpointWriter
from keras_alexnet.training.state.checkpoint import Checkpoint, save_checkpoint
from keras_alexnet.training.state.progress import RunProgress, best_row, is_finite
from keras_alexnet.training.state.stopping import (
    SIGNALS,
    AnyWorker,
    Interrupted,
    Signals,
)
from keras_alexnet.training.update.plateau import Plateau
from tfrecords.errors import UserError
from tfrecords.files import disk_error, write_atomically

QUESTION_STEPS = 10  # steps between two questions to the other workers


class Saving(keras.callbacks.Callback):
    """Save everything that a resumed run needs, each epoch and within it.

    Comes last in the list, so that it sees what the others have decided. One file holds
    it all; `history.csv` and the best network follow from it and are written before it,
    so that a kill at any moment leaves nothing newer than they are. A copy of the state
    is written in the background while training goes on. With several workers the chief
    alone writes; all agree on when to save and to stop.

    A context manager: leaving it waits for what is being written.

    Args:
        progress: How far the run is; it is kept up to date here.
        run: The run folder.
        write_best: Writes the network of the best epoch, of what `model_state.capture`
            gives.
        clock: What measures the seconds of an epoch.
        signals: Where signals are noted.
        plateau: None with a schedule.
        keep: Checkpoints kept.
        every: Steps between checkpoints within an epoch, or None.
        minutes: Minutes between them, or None.

    Raises:
        Interrupted: A signal came; the state was saved first.
        UserError: The last state could not be saved, or is not finite.
    """

    def __init__(
        self,
        progress: RunProgress,
        run: Path,
        write_best: Callable[[Mapping[str, np.ndarray]], None],
        *,
        clock: EpochLog,
        signals: Signals,
        plateau: Plateau | None = None,
        keep: int = 2,
        every: int | None = None,
        minutes: float | None = None,
    ) -> None:
        super().__init__()
        self.progress = progress
        self.run = run
        self.write_best = write_best
        self.clock = clock
        self.signals = signals
        self.plateau = plateau
        self.keep = keep
        self.every = every
        self.minutes = minutes
        self._sums: dict[str, np.ndarray] | None = None
        self._best: dict[str, np.ndarray] | None = None
        self._any_worker: AnyWorker | None = None
        self._writer = CheckpointWriter()
        self._last_save = time.monotonic()

    def restore(self, checkpoint: Checkpoint) -> None:
        """Take over the state of an earlier process; the model is set already.

        Raises:
            UserError: It is of another network, or of an epoch of other length, or its
                training had diverged, which earlier versions did not notice.
        """
        _check_fits(checkpoint, self.progress.steps, self.run)
        state = checkpoint.state
        sums = {
            name: array
            for name, array in checkpoint.arrays.items()
            if name.startswith(model_state.METRICS)
        }
        rest = {n: a for n, a in checkpoint.arrays.items() if n not in sums}
        model_state.restore(self.model, rest, f"Checkpoint {checkpoint.name}")
        progress = self.progress
        progress.epoch, progress.step = checkpoint.epoch, checkpoint.step
        progress.history = state["history"]
        progress.training_logs = state["training_logs"]
        self.clock.seconds_before = state["seconds"]
        self._sums = sums or None
        if self.plateau is not None:
            self.plateau.state = state["plateau"]
            progress.plateaus_over = self.plateau.finished
            if not all(map(is_finite, progress.history)):
                self.plateau.best = best_row(progress.history)["val_error"]

    def training_logs(self) -> dict[str, float]:
        """Return the results of the steps of an epoch that was restored within it."""
        sums, self._sums = self._sums, None
        model_state.write_sums(self.model, sums or {})
        return self._results()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        # After `fit` has set the metrics to zero.
        sums, self._sums = self._sums, None
        if sums is not None:
            model_state.write_sums(self.model, sums)
        elif self.progress.training_logs is None:
            self.progress.step = 0
        self.progress.epoch = epoch

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.progress.step += 1
        if self.model.pending_steps:
            return  # the network is as it was before them
        if self.progress.step == self.progress.steps:
            return  # a signal stops the validation, and the epoch's end saves
        signum, due = self._wishes()
        if signum is not None or due:
            self._save(model_state.read_sums(self.model))
        if signum is not None:
            self._stop(signum)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        if not self._several_workers:
            self.progress.training_logs = self._results()
            self._stop_in_validation()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        if not self._several_workers:
            self._stop_in_validation()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row = self.progress.end_epoch(epoch, logs or {})
        if self.plateau is not None:
            self.progress.plateaus_over = self.plateau.finished
        self.clock.seconds_before = 0.0
        self._save(best=best_row(self.progress.history) is row)
        signum, _ = self._wishes(at_epoch_end=True)
        if signum is not None and not self.progress.finished:
            self._stop(signum)

    def __enter__(self) -> "Saving":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._writer.wait()
        if kind is None and self._writer.error is not None:
            self._save()
            self._check_saved()

    def _results(self) -> dict[str, float]:
        results = self.model.get_metrics_result()
        return {name: float(value) for name, value in results.items()}

    def _wishes(self, at_epoch_end: bool = False) -> tuple[int | None, bool]:
        """Return the signal to stop for, and whether it is time to save."""
        signum = self.signals.signum
        place = self.progress.steps_taken
        every, minutes = self.every, self.minutes
        due = every is not None and place % every == 0
        late = minutes is not None and (
            time.monotonic() - self._last_save >= 60 * minutes
        )
        if not self._several_workers:
            return signum, due or late
        if place % QUESTION_STEPS and not at_epoch_end:
            return None, due
        flags = [*(signum == known for known in SIGNALS), late]
        if self._any_worker is None:
            self._any_worker = AnyWorker(self.model.distribute_strategy)
        *signals, late = self._any_worker.any(flags)
        wished = [known for known, flag in zip(SIGNALS, signals, strict=True) if flag]
        return (wished[0] if wished else None), due or late

    @property
    def _several_workers(self) -> bool:
        return isinstance(
            self.model.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy
        )

    def _stop_in_validation(self) -> None:
        signum = self.signals.signum
        if signum is not None:
            self._save()
            self._stop(signum)

    def _stop(self, signum: int) -> None:
        self._check_saved()
        raise Interrupted(signum, self.progress.epoch + 1, self.progress.step)

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
            "history": list(self.progress.history),
            "order": "index",  # that of earlier releases does not say
            "plateau": None if self.plateau is None else self.plateau.state,
            "seconds": self.clock.seconds if self.progress.step else 0.0,
            "steps": self.progress.steps,
            "training_logs": self.progress.training_logs,
        }
        held = {**arrays, **(sums or {})}
        checkpoint = Checkpoint(self.progress.epoch, self.progress.step, held, state)
        self._writer.submit(functools.partial(self._write, checkpoint))

    def _write(self, checkpoint: Checkpoint) -> None:
        if self._best is not None:
            self.write_best(self._best)
            self._best = None
        history = checkpoint.state["history"]
        if history:
            write_atomically(self.run / HISTORY_FILE, _table(history))
        save_checkpoint(self.run / CHECKPOINTS, checkpoint, self.keep)


def _check_fits(checkpoint: Checkpoint, steps: int, run: Path) -> None:
    state = checkpoint.state
    if state["history"] and not is_finite(state["history"][-1]):
        raise UserError(
            f"Epoch {checkpoint.epoch} of {run} ended with figures that are not "
            "finite: the training had diverged. Train again in a new run with a lower "
            "--learning-rate."
        )
    if checkpoint.step and state["steps"] != steps:
        raise UserError(
            f"Expected an epoch of {state['steps']} steps, as in {checkpoint.name}, "
            f"got one of {steps}. Give the run its own batch size."
        )


def _check_finite(arrays: dict[str, np.ndarray]) -> None:
    """Raise before a state is saved that the loss has not shown yet to be lost."""
    with np.errstate(over="ignore", invalid="ignore"):
        for name, array in arrays.items():
            if not np.isfinite(array.sum()):
                raise UserError(
                    f"{name} is no longer finite, and has not been saved: the training "
                    "has diverged. Lower --learning-rate in a new run."
                )


def _table(rows: list[dict[str, float]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
