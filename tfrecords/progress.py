"""How far a long job is: a bar on a terminal, a line every few seconds in a log."""

import time

from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from tfrecords.plain_text import printable, say
from tfrecords.tables import Console

_SECONDS_BETWEEN_LINES = 5.0


class Progress:
    """Counts on standard error.

    Args:
        verb: what is being done, such as `build`.
        total: how many there are.
        enabled: False keeps silent.
        unit: what is counted.
    """

    def __init__(
        self, verb: str, total: int, enabled: bool = True, unit: str = "pictures"
    ):
        self._verb, self._total, self._unit = verb, total, unit
        self._enabled = enabled
        self._start = self._last = time.monotonic()
        self._done = self._before = 0
        self._first: tuple[float, int] | None = None  # when some were done, how many
        console = Console(stderr=True)
        self._bar = _bar(console) if enabled and console.is_terminal else None

    def __enter__(self) -> "Progress":
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task(self._verb, total=self._total, rate="")
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar:
            self._bar.stop()
        elif self._enabled and self._done > self._before:
            self.say(self._line())

    def resume(self, done: int) -> None:
        """Start at what an earlier run has finished."""
        self._before = done
        self.update(done)

    def update(self, done: int) -> None:
        """Show that so many are finished, those of earlier runs included."""
        self._done = done
        if self._first is None and done > self._before:
            # What came before it, such as imports, is not the pace of the rest.
            self._last = time.monotonic()
            self._first = self._last, done
        if self._bar:
            self._bar.update(self._task, completed=done, rate=f"{self._pace()}/s")
        elif (
            done > self._before
            and time.monotonic() - self._last >= _SECONDS_BETWEEN_LINES
        ):
            self._last = time.monotonic()
            self.say(self._line())

    def rate(self) -> float:
        """How many a second since the first were done, in this run."""
        start, first = self._first or (self._start, self._before)
        if first == self._done:
            start, first = self._start, self._before
        return (self._done - first) / max(time.monotonic() - start, 1e-9)

    def say(self, text: str) -> None:
        """Print one line above the bar."""
        if self._bar:
            self._bar.console.print(printable(text))
        elif self._enabled:
            say(text, error=True)

    def _pace(self) -> str:
        rate = self.rate()
        return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"

    def _line(self) -> str:
        left = (self._total - self._done) / max(self.rate(), 1e-9)
        return (
            f"{self._verb}: {self._done:,} of {self._total:,} {self._unit}, "
            f"{self._pace()}/s, {left:,.0f} s left"
        )


def _bar(console: Console) -> Bar:
    return Bar(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        console=console,
    )
