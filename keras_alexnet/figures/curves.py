"""How the errors of training runs fell."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from keras_alexnet.figures.canvas import new_figure, save_figure
from keras_alexnet.trained.names import HISTORY_FILE
from tfrecords.errors import UserError
from tfrecords.plain_text import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def draw(paths: Sequence[Path | str], out: Path | str) -> None:
    """Draw training and validation error of each run over epochs.

    Vertical marks show where the learning rate dropped.

    Args:
        paths: Run folders with a `history.csv`.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).

    Raises:
        UserError: A run has no history yet, matplotlib cannot draw such a file, or
            it cannot be written.
    """
    histories = [(_label(run), read_history(run)) for run in paths]
    with new_figure(8, 4.5, layout="constrained") as figure:
        _plot(figure.add_subplot(), histories)
        save_figure(figure, Path(out), dpi=120)


def _label(run: Path | str) -> str:
    name = printable(Path(run).name)
    # A label that begins with an underscore is left out of the legend.
    return f"./{name}" if name.startswith("_") else name


def _plot(axes: "Axes", histories: list[tuple[str, list[dict[str, float]]]]) -> None:
    for index, (name, history) in enumerate(histories):
        epochs = [row["epoch"] for row in history]
        colour = f"C{index}"
        for column, style, what in (
            ("error", ":", "training"),
            ("val_error", "-", "validation"),
        ):
            errors = [100 * row[column] for row in history]
            axes.plot(epochs, errors, style, color=colour, label=f"{name}, {what}")
        for before, after in zip(history, history[1:], strict=False):
            if after["learning_rate"] < before["learning_rate"]:
                axes.axvline(before["epoch"] + 0.5, color=colour, alpha=0.3)
    axes.set(xlabel="epoch", ylabel="top-1 error, %", ylim=(0, 100))
    axes.locator_params(axis="x", integer=True)
    axes.grid(alpha=0.3)
    for text in axes.legend().get_texts():
        text.set_parse_math(False)  # a dollar sign in a name is one


def read_history(run: Path | str) -> list[dict[str, float]]:
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
