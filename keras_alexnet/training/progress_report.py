"""How far `fit` is: lines for a log, or one that changes on a terminal."""

import shutil
import sys
import time
from collections.abc import Mapping
from typing import Any

import keras

from keras_alexnet.training.devices.step_loop import StepLoop

LEAST_IDLE = 0.1  # of the time, that is worth a word
BAR = 20  # characters


class ProgressLines(keras.callbacks.Callback):
    """Report progress as plain lines, for logs.

    Args:
        steps: Steps of an epoch.
        epochs: Epochs of the run.
        batch_size: Images in a step.
        first_steps: As in `StopAtNan`.
        compiled: Whether XLA is to compile the first step.
        loop: What takes the steps, if they come in groups.
        idle: What waits for the host's pictures, to be said if it does; None where it
            is the host that computes.
    """

    seconds = 20.0  # between lines

    def __init__(
        self,
        steps: int,
        epochs: int,
        batch_size: int,
        first_steps: Mapping[int, int] | None = None,
        *,
        compiled: bool = False,
        loop: StepLoop | None = None,
        idle: str | None = None,
    ) -> None:
        super().__init__()
        self.first_steps = first_steps or {}
        self.steps, self.epochs, self.batch_size = steps, epochs, batch_size
        self.compiling, self.loop, self.idle = compiled, loop, idle

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self.epoch = epoch + 1
        self.first_step = self.first_steps.get(epoch, 0)
        self.first_batch: int | None = None
        self.begun = time.monotonic()
        if self.compiling:
            self._say("compiling the training step with XLA...")

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if self.loop is not None and self.loop.pending:
            return
        now = time.monotonic()
        if self.first_batch is None:
            # It may take as long as a hundred others: the step is traced and compiled,
            # or the pipeline fills.
            self.first_batch, self.start, self.last = batch, now, now
            self.waited = 0.0 if self.loop is None else self.loop.waited
            if self.compiling:
                self.compiling = False
                self._say(f"compiled and taken in {now - self.begun:.0f} s")
        if now - self.last < self.seconds:
            return
        self.last = now
        speed = (batch - self.first_batch) / (now - self.start)
        step = self.first_step + batch + 1
        left = (self.steps - step) / speed
        pace = f"{speed * self.batch_size:.0f} images/s  epoch ends in {left:.0f} s"
        self._show(step, _numbers(logs), pace + self._idle(now))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._say(_numbers(logs))

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        # What the epoch's steps waited for is known; validation has no part in it.
        idle = self._idle(time.monotonic()) if self.first_batch is not None else ""
        if idle:
            self._say(idle.strip())

    def _idle(self, now: float) -> str:
        """Say how long the device had nothing to do, if that is worth a word."""
        if self.loop is None or self.idle is None or now <= self.start:
            return ""
        share = (self.loop.waited - self.waited) / (now - self.start)
        if share < LEAST_IDLE:
            return ""
        return f"  {self.idle} idle up to {min(share, 1):.0%}: input"

    def _show(self, step: int, figures: str, pace: str) -> None:
        self._say(f"step {step}/{self.steps}  {figures}  {pace}")

    def _say(self, text: str) -> None:
        print(f"epoch {self.epoch}/{self.epochs}  {text}", file=sys.stdout, flush=True)


class ProgressBar(ProgressLines):
    """Report progress on a terminal, in one line that changes.

    Not Keras' bar, which computes on the device in every step, and waits for it.
    """

    seconds = 0.5  # between two states of the line

    def _show(self, step: int, figures: str, pace: str) -> None:
        done = BAR * step // self.steps
        bar = f"[{'#' * done}{'.' * (BAR - done)}]"
        place = f"epoch {self.epoch}/{self.epochs} {bar} {step}/{self.steps}"
        line = f"{place}  {pace}  {figures}"
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{line[:width]:{width}}", end="", file=sys.stdout, flush=True)

    def _say(self, text: str) -> None:
        width = shutil.get_terminal_size().columns - 1
        print(f"\r{' ' * width}\r", end="", file=sys.stdout)
        super()._say(text)


def _numbers(logs: dict[str, Any] | None) -> str:
    return "  ".join(
        f"{name} {float(value):.4g}" for name, value in (logs or {}).items()
    )
