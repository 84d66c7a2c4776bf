"""How the errors of training runs fell."""

import csv
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from keras_alexnet.training.run_folder import HISTORY_FILE
from tfrecords.errors import DatasetError
from tfrecords.files import staged


def plot_curves(runs: Sequence[Path | str], out: Path | str) -> None:
    """Draw training and validation error of each run over epochs.

    Vertical marks show where the learning rate dropped.

    Args:
        runs: Run folders with a `history.csv`.
        out: Picture file; its suffix decides the format (.png, .svg, .pdf).

    Raises:
        DatasetError: A run has no history yet.
    """
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for index, run in enumerate(runs):
        history = read_history(run)
        epochs = [row["epoch"] for row in history]
        colour = f"C{index}"
        for name, style in (("error", ":"), ("val_error", "-")):
            label = f"{Path(run).name}, {'training' if style == ':' else 'validation'}"
            errors = [100 * row[name] for row in history]
            axes.plot(epochs, errors, style, color=colour, label=label)
        for before, after in zip(history, history[1:], strict=False):
            if after["learning_rate"] < before["learning_rate"]:
                axes.axvline(before["epoch"] + 0.5, color=colour, alpha=0.3)
    axes.set(xlabel="epoch", ylabel="top-1 error, %", ylim=(0, 100))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()
    path = Path(out)
    with staged(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lstrip(".") or "png", dpi=120)


def read_history(run: Path | str) -> list[dict[str, float]]:
    """Return the rows of a run's history, one an epoch.

    Raises:
        DatasetError: There is none.
    """
    path = Path(run) / HISTORY_FILE
    try:
        rows = list(csv.DictReader(path.read_text().splitlines()))
    except OSError:
        raise DatasetError(
            f"Expected {HISTORY_FILE} in {run}: no epoch has finished."
        ) from None
    return [{name: float(value) for name, value in row.items()} for row in rows]
