"""How the errors of training runs fell."""

import csv
import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_alexnet.figures.canvas import captioned_figure
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.colours import MARKERS, OKABE_ITO
from keras_alexnet.trained.names import HISTORY_FILE
from tfrecords.errors import UserError
from tfrecords.plain_text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

History = list[dict[str, float]]
MOST_RUNS = len(OKABE_ITO) * len(MARKERS)  # that differ in colour or marker
_MARKED = 12  # markers on a line, about


def draw(paths: Sequence[Path | str], out: Path | str) -> None:
    """Draw training and validation error of each run over epochs.

    Vertical marks show where the learning rate dropped, and by how much.

    Args:
        paths: Run folders with a `history.csv`.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).

    Raises:
        UserError: A run has no history yet, there are too many, matplotlib cannot draw
            such a file, or it cannot be written.
    """
    if not 1 <= len(paths) <= MOST_RUNS:
        raise UserError(f"Expected 1 to {MOST_RUNS} runs, got {len(paths)}.")
    histories = [(_label(run), read_history(run)) for run in paths]
    text = (
        "Lines with filled marks: validation error. Dotted lines with hollow marks: "
        "training error, of pictures as training sees them. Vertical lines: after this "
        "epoch the learning rate of the run with that mark was divided by the number."
    )
    with captioned_figure(out, 8, 4.5, Caption.of(text, "curves", paths)) as figure:
        plot_errors(figure.add_subplot(), histories)


def _label(run: Path | str) -> str:
    name = printable(Path(run).name)
    # A label that begins with an underscore is left out of the legend.
    return f"./{name}" if name.startswith("_") else name


def plot_errors(axes: "Axes", histories: Sequence[tuple[str, History]]) -> None:
    """Draw training and validation error of runs, and where their rates dropped.

    Args:
        axes: Where.
        histories: Name and rows of each run, at most `MOST_RUNS`.
    """
    looks = zip(itertools.cycle(OKABE_ITO), itertools.cycle(MARKERS), strict=False)
    for (name, history), (colour, marker) in zip(histories, looks, strict=False):
        epochs = [row["epoch"] for row in history]
        every = max(1, len(epochs) // _MARKED)
        for column, style, fill, what in (
            ("error", ":", "none", "training"),
            ("val_error", "-", "full", "validation"),
        ):
            axes.plot(
                *(epochs, [100 * row[column] for row in history], style),
                color=colour,
                marker=marker,
                markevery=every,
                markersize=5,
                fillstyle=fill,
                label=f"{name}, {what}",
            )
        for epoch, factor in rate_drops(history):
            axes.axvline(epoch, color=colour, linestyle="--", linewidth=1)
            axes.plot([epoch], [100], marker, color=colour, clip_on=False)
            place = (epoch, 97)
            axes.text(*place, f" ÷{factor:.3g}", color=colour, va="top", size=8)
    axes.set(xlabel="epoch", ylabel="top-1 error, %", ylim=(0, 100))
    axes.locator_params(axis="x", integer=True)
    axes.grid(alpha=0.3)
    for text in axes.legend().get_texts():
        text.set_parse_math(False)  # a dollar sign in a name is one


def rate_drops(history: History) -> list[tuple[float, float]]:
    """Return where the learning rate fell: epochs, and what it was divided by.

    An epoch is the middle between the last one with the old rate and the next.
    """
    return [
        (
            (before["epoch"] + after["epoch"]) / 2,
            before["learning_rate"] / after["learning_rate"],
        )
        for before, after in itertools.pairwise(history)
        if 0 < after["learning_rate"] < before["learning_rate"]
    ]


def read_history(run: Path | str) -> History:
    """Return the rows of a run's history, one an epoch.

    Raises:
        UserError: There is none.
    """
    path = Path(run) / HISTORY_FILE
    try:
        rows = list(csv.DictReader(path.read_text().splitlines()))
    except OSError:
        raise UserError(
            f"Expected {HISTORY_FILE} in {run}: no epoch has finished."
        ) from None
    return [{name: float(value) for name, value in row.items()} for row in rows]
