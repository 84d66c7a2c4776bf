"""How errors and losses of runs fell, epoch by epoch."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from keras_alexnet.figures.curves import rate_drops
from keras_alexnet.report.chart import Axes, Chart, Line, Mark, round_step
from keras_alexnet.report.reported_run import ReportedRun
from keras_alexnet.training.state.progress import best_row
from tfrecords.errors import UserError

# Title of an axis; columns of the training and the validation pictures; factor.
_CURVES = (
    ("top-1 error, %", "error", "val_error", 100.0),
    ("loss", "loss", "val_loss", 1.0),
)


def curves_section(runs: Sequence[ReportedRun]) -> dict[str, Any] | None:
    """Return charts and tables of the runs that have a history; None: none has."""
    runs = [run for run in runs if run.history]
    if not runs:
        return None
    charts = [_chart(runs, *curve) for curve in _CURVES]
    return {"charts": charts, "runs": [_told(run) for run in runs]}


def _told(run: ReportedRun) -> dict[str, Any]:
    try:
        best = best_row(run.history)["epoch"]
    except UserError:  # it diverged at once
        best = None
    drops = [(math.floor(place), by) for place, by in rate_drops([*run.history])]
    return {
        "name": run.name,
        "rows": run.history,
        "best": best,
        "drops": drops,
        "seconds": sum(row.get("seconds", 0.0) for row in run.history),
    }


def _chart(
    runs: Sequence[ReportedRun], title: str, learnt: str, judged: str, factor: float
) -> Chart:
    last = max(run.history[-1]["epoch"] for run in runs)
    most = max(_finite(runs, (learnt, judged)), default=0.0) * factor or 1.0
    step = round_step(most, 5)
    # A line of one epoch is a point in the middle.
    first = 1.0 if last > 1 else 0.0
    high = math.ceil(most / step) * step
    axes = Axes((first, last if last > 1 else 2.0), (0.0, high))
    lines, marks = [], []
    for colour, run in enumerate(runs, start=1):
        epochs = [row["epoch"] for row in run.history]
        for column, dashed, what in (
            (learnt, True, "training"),
            (judged, False, "validation"),
        ):
            values = [factor * row[column] for row in run.history]
            name = what if len(runs) == 1 else f"{run.name}, {what}"
            lines.append(Line(name, colour, dashed, axes.points(epochs, values)))
        for place, divisor in rate_drops([*run.history]):
            marks.append(Mark(axes.x(place), f"÷{divisor:.3g}", colour))
    return Chart(
        key=judged,
        says=" ".join(_said(run, title, learnt, judged, factor) for run in runs),
        x_title="epoch",
        y_title=title,
        x_ticks=axes.x_ticks(min(8, max(1, int(last) - 1)), "{:g}".format),
        y_ticks=axes.y_ticks(5, "{:g}".format),
        lines=tuple(lines),
        marks=tuple(marks),
    )


def _finite(runs: Sequence[ReportedRun], columns: Sequence[str]) -> Iterator[float]:
    for run in runs:
        for row in run.history:
            yield from (row[each] for each in columns if math.isfinite(row[each]))


def _said(run: ReportedRun, title: str, learnt: str, judged: str, factor: float) -> str:
    first, last = run.history[0], run.history[-1]
    moves = [
        f"{what} from {factor * first[column]:.3g} to {factor * last[column]:.3g}"
        for what, column in (("training", learnt), ("validation", judged))
    ]
    drops = [str(math.floor(place)) for place, _ in rate_drops([*run.history])]
    fell = f" The learning rate drops after epoch {', '.join(drops)}." if drops else ""
    return (
        f"{title} of {run.name} over {len(run.history)} epochs: "
        f"{' and '.join(moves)}.{fell}"
    )
