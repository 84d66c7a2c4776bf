"""Charts as numbers: what a template draws as SVG in the colours of its page."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 480, 288  # units of the drawing; some 480 pixels on a desk
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 44  # what lies around the axes
_STEPS = (1, 2, 5, 10)


@dataclass(frozen=True)
class Tick:
    """A number at an axis: its place in the drawing and its text."""

    place: float
    text: str


@dataclass(frozen=True)
class Line:
    """One line of a chart.

    Attributes:
        name: For the legend.
        colour: Number of its colour, from 1.
        dashed: Whether it is.
        points: `x,y x,y ...`, in units of the drawing.
    """

    name: str
    colour: int
    dashed: bool
    points: str


@dataclass(frozen=True)
class Mark:
    """A vertical line across a chart, such as a drop of the learning rate."""

    place: float
    text: str
    colour: int


@dataclass(frozen=True)
class Bar:
    """A rectangle from the lower axis up, in units of the drawing, with its text."""

    left: float
    top: float
    width: float
    height: float
    text: str
    colour: int


@dataclass(frozen=True)
class Chart:
    """What a chart shows, and in words for those who do not see it.

    Attributes:
        key: Tells its elements from those of other charts of a page.
        says: All of it in words.
        x_title, y_title: Of the axes.
        x_ticks, y_ticks: Numbers at them.
        lines, marks, bars: What is drawn.
    """

    key: str
    says: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[Line, ...] = ()
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()
    width: int = field(default=WIDTH, init=False)
    height: int = field(default=HEIGHT, init=False)
    left: int = field(default=LEFT, init=False)
    right: int = field(default=WIDTH - RIGHT, init=False)
    top: int = field(default=TOP, init=False)
    bottom: int = field(default=HEIGHT - BOTTOM, init=False)


class Axes:
    """From numbers to places in a drawing.

    Args:
        x: Least and largest number of the lower axis, which differ.
        y: Of the other.
    """

    def __init__(self, x: tuple[float, float], y: tuple[float, float]) -> None:
        self._x, self._y = x, y

    def x(self, value: float) -> float:
        """Return where a number lies, from the left."""
        low, high = self._x
        share = (value - low) / (high - low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(self, value: float) -> float:
        """Return where a number lies, from the top."""
        low, high = self._y
        share = (value - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def points(self, xs: Sequence[float], ys: Sequence[float]) -> str:
        """Return the points of a line; what is not finite is left out."""
        pairs = zip(xs, ys, strict=True)
        finite = [pair for pair in pairs if all(map(math.isfinite, pair))]
        return " ".join(f"{self.x(x):g},{self.y(y):g}" for x, y in finite)

    def x_ticks(self, most: int, text: Callable[[float], str]) -> tuple[Tick, ...]:
        """Return round numbers of the lower axis."""
        return tuple(Tick(self.x(each), text(each)) for each in _round(*self._x, most))

    def y_ticks(self, most: int, text: Callable[[float], str]) -> tuple[Tick, ...]:
        """Return round numbers of the other axis."""
        return tuple(Tick(self.y(each), text(each)) for each in _round(*self._y, most))


def round_step(width: float, most: int) -> float:
    """Return 1, 2 or 5 times a power of ten that cuts a width into `most` at most.

    Args:
        width: Above 0.
        most: Parts.
    """
    wanted = width / most
    power = 10.0 ** math.floor(math.log10(wanted))
    # A sum of binary fractions lies a little beside the decimal one.
    return next(each * power for each in _STEPS if each * power >= wanted * (1 - 1e-9))


def _round(low: float, high: float, most: int) -> Iterator[float]:
    step = round_step(high - low, most)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    for count in range(first, last + 1):
        yield count * step
