"""What `fit` does beside training: state, best model, logs and the alarm for NaN."""

import csv
import io
import math
import os
import sys
import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.training.checkpoint import save_checkpoint
from keras_alexnet.training.config import TrainConfig
from keras_alexnet.training.plateau import Plateau, learning_rate
from keras_alexnet.training.run_folder import BEST_FILE, CHECKPOINTS, build_model
from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, temporary_path, write_atomically

HISTORY_FILE = "history.csv"
TENSORBOARD = "tensorboard"
SECONDS_BETWEEN_LINES = 20.0


class NanGuard(keras.callbacks.Callback):
    """Stop with an error at the first loss that is not a number.

    It comes before the state is saved, so the last good checkpoint stays the newest.
    """

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        loss = float((logs or {}).get("loss", 0.0))
        if not math.isfinite(loss):
            raise DatasetError(
                f"The loss became {loss} at step {batch + 1} of this epoch, at "
                f"learning rate {learning_rate(self.model):g}. The last checkpoint is "
                "good: lower --learning-rate in a new run, or take mixed_bfloat16 or "
                "float32 if this was mixed_float16."
            )


class TrainState(keras.callbacks.Callback):
    """Save everything that a resumed run needs at the end of each epoch.

    Comes last in the list, so that it sees what the others have decided. One file holds
    it all; `history.csv` and `best.keras` follow from it and are written before it, so
    that a kill at any moment leaves nothing newer than they are.
    """

    def __init__(self, run: Path, config: TrainConfig, plateau: Plateau) -> None:
        super().__init__()
        self.run = run
        self.config = config
        self.plateau = plateau
        self.history: list[dict[str, float]] = []

    def load(self, state: dict[str, Any]) -> None:
        """Take over the state of an earlier process."""
        self.history = state["history"]
        self.plateau.state = state["plateau"]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        row = {"epoch": epoch + 1, **{k: float(v) for k, v in (logs or {}).items()}}
        self.history.append(row)
        try:
            if row["val_error"] <= min(past["val_error"] for past in self.history):
                self._save_best()
            write_atomically(self.run / HISTORY_FILE, _table(self.history))
            save_checkpoint(
                self.run / CHECKPOINTS,
                epoch + 1,
                self.model,
                {"history": self.history, "plateau": self.plateau.state},
                self.config.keep,
            )
        except OSError as error:
            raise disk_error(error, self.run / CHECKPOINTS) from None

    def _save_best(self) -> None:
        path = self.run / BEST_FILE
        portable = build_model(self.config, dtype="float32")
        portable.set_weights(self.model.get_weights())
        # Keras insists on the suffix.
        temporary = temporary_path(path).with_suffix(".keras")
        portable.save(temporary)
        os.replace(temporary, path)


class Scalars(keras.callbacks.Callback):
    """Write the epoch's numbers for TensorBoard, without needing TensorBoard itself."""

    def __init__(self, run: Path) -> None:
        super().__init__()
        self.writer = tf.summary.create_file_writer(str(run / TENSORBOARD))
        self.metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        with self.writer.as_default():
            for name, value in (logs or {}).items():
                number = tf.constant(float(value))
                tf.summary.write(name, number, epoch + 1, metadata=self.metadata)
        self.writer.flush()


class RateLog(keras.callbacks.Callback):
    """Add the learning rate and the epoch's seconds to the logs of each epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = learning_rate(self.model)
            logs["seconds"] = time.monotonic() - self.start


class PlainLines(keras.callbacks.Callback):
    """Report progress as plain lines, for logs; a terminal gets Keras' bar instead."""

    def __init__(self, steps: int, epochs: int, batch_size: int) -> None:
        super().__init__()
        self.steps, self.epochs, self.batch_size = steps, epochs, batch_size

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch + 1
        self.start = self.last = time.monotonic()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        now = time.monotonic()
        if now - self.last < SECONDS_BETWEEN_LINES:
            return
        self.last = now
        speed = (batch + 1) / (now - self.start)
        left = (self.steps - batch - 1) / speed
        self._print(
            f"step {batch + 1}/{self.steps}  {_numbers(logs)}  "
            f"{speed * self.batch_size:.0f} images/s  epoch ends in {left:.0f} s"
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._print(_numbers(logs))

    def _print(self, text: str) -> None:
        print(f"epoch {self.epoch}/{self.epochs}  {text}", file=sys.stdout, flush=True)


def _numbers(logs: dict[str, Any] | None) -> str:
    return "  ".join(
        f"{name} {float(value):.4g}" for name, value in (logs or {}).items()
    )


def _table(rows: list[dict[str, float]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()
