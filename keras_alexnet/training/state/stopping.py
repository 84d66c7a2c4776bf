"""Ctrl-C, SIGTERM and a terminal that closes: finish the step, save, stop."""

import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Any

import tensorflow as tf

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOTE = b"\nSaving, then stopping. Ctrl-C once more stops at once.\n"


class Interrupted(Exception):
    """The training was stopped by a signal, with its state saved.

    Args:
        signum: The signal.
        epoch: The epoch that was under way, counted from 1.
        step: Steps taken in it.
    """

    def __init__(self, signum: int, epoch: int, step: int) -> None:
        super().__init__(f"stopped at epoch {epoch} step {step}; go on with --resume")
        self.signum = signum
        self.epoch = epoch
        self.step = step

    @property
    def status(self) -> int:
        """The usual exit status: 130 after Ctrl-C, 143 after SIGTERM, 129 SIGHUP."""
        return 128 + self.signum


class Signals:
    """Notes SIGINT, SIGTERM and SIGHUP while the block runs, instead of dying of them.

    To be entered when the strategy is there: under several workers TensorFlow installs
    a handler for SIGTERM that does nothing but log, and this one replaces it. A second
    Ctrl-C interrupts at once. Outside the main thread nothing is installed. A SIGHUP
    that `nohup` has switched off stays so.

    Attributes:
        signum: The first signal that came, or None.
    """

    def __init__(self) -> None:
        self.signum: int | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "Signals":
        if threading.current_thread() is threading.main_thread():
            for signum in SIGNALS:
                ignored = signal.getsignal(signum) == signal.SIG_IGN
                if signum == signal.SIGHUP and ignored:
                    continue
                self._before[signum] = signal.signal(signum, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for signum, handler in self._before.items():
            # None: it was not installed by Python, and can only be left behind.
            signal.signal(signum, signal.SIG_DFL if handler is None else handler)

    def _note(self, signum: int, frame: FrameType | None) -> None:
        if signum == self.signum == signal.SIGINT:
            raise KeyboardInterrupt
        if self.signum is None:
            self.signum = signum
            # Not print: the signal may have come in the middle of one.
            with suppress(OSError):  # nobody reads it, or the terminal is gone
                os.write(2, _NOTE)


def any_worker(flag: bool, strategy: tf.distribute.Strategy | None) -> bool:
    """Return whether a flag is set in any worker; with several all must ask.

    Args:
        flag: This worker's.
        strategy: Theirs; None: there is one process.
    """
    if isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy):
        return AnyWorker(strategy).any([flag])[0]
    return flag


class AnyWorker:
    """Lets all workers do the same at the same step.

    Args:
        strategy: Theirs.
    """

    def __init__(self, strategy: tf.distribute.Strategy) -> None:
        self._strategy = strategy
        self._count = tf.function(lambda flags: strategy.run(self._sum, args=(flags,)))

    def any(self, flags: Sequence[bool]) -> list[bool]:
        """Return which flags are set in any worker; all must ask at the same step."""
        own = tf.constant([int(flag) for flag in flags])
        counts = self._strategy.experimental_local_results(self._count(own))[0]
        return [bool(count) for count in counts.numpy()]

    @staticmethod
    def _sum(flags: tf.Tensor) -> tf.Tensor:
        # To be reduced it needs a device that is named.
        own = tf.identity(flags)
        return tf.distribute.get_replica_context().all_reduce("SUM", own)
