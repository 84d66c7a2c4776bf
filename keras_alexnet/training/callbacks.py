"""What `fit` does beside training: logs, and the alarm for NaN."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from keras_alexnet.training.update.plateau import learning_rate
from tfrecords.errors import UserError

TENSORBOARD = "tensorboard"
SECONDS_BETWEEN_LOOKS = 1.0


class StopAtNan(keras.callbacks.Callback):
    """Stop with an error at the first loss or validation figure that is not a number.

    It comes first of the callbacks: no plateau and no best network takes note of such a
    figure, and the last good checkpoint stays the newest. It looks at the loss, which
    stays what it has become, once a second: to read it waits for a GPU.

    Args:
        first_steps: Steps that an epoch had behind it when this process began it; a
            resumed one only.
    """

    def __init__(self, first_steps: Mapping[int, int] | None = None) -> None:
        super().__init__()
        self.first_steps = first_steps or {}

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.first_step = self.first_steps.get(epoch, 0)
        self.looked = -math.inf

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if time.monotonic() - self.looked < SECONDS_BETWEEN_LOOKS:
            return
        place = f"step {self.first_step + batch + 1} of this epoch"
        self._check({"loss": (logs or {}).get("loss", 0.0)}, place)
        self.looked = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._check(logs or {}, f"the end of epoch {epoch + 1}")

    def _check(self, figures: Mapping[str, Any], place: str) -> None:
        for name, value in figures.items():
            if not math.isfinite(float(value)):
                raise UserError(
                    f"The {name} became {float(value)} at {place}, at learning rate "
                    f"{learning_rate(self.model):g}. The last checkpoint is from "
                    "before it: lower --learning-rate in a new run, or take "
                    "mixed_bfloat16 or float32 if this was mixed_float16."
                )


class TensorBoardScalars(keras.callbacks.Callback):
    """Write the epoch's numbers for TensorBoard, without needing TensorBoard itself."""

    def __init__(self, run: Path | str) -> None:
        super().__init__()
        self.writer = tf.summary.create_file_writer(str(Path(run, TENSORBOARD)))
        self.metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars")
        )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        with self.writer.as_default():
            for name, value in (logs or {}).items():
                number = tf.constant(float(value))
                tf.summary.write(name, number, epoch + 1, metadata=self.metadata)
        self.writer.flush()


class EpochLog(keras.callbacks.Callback):
    """Add the learning rate and the epoch's seconds to the logs of each epoch.

    Attributes:
        seconds_before: What an earlier process spent on the epoch that is resumed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seconds_before = 0.0
        self.start = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds that the epoch has taken so far."""
        return self.seconds_before + time.monotonic() - self.start

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.start = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = learning_rate(self.model)
            logs["seconds"] = self.seconds
