"""Whether runs are right as often as they are sure."""

from collections.abc import Sequence
from typing import Any

from keras_alexnet.report.chart import Axes, Bar, Chart, Line
from keras_alexnet.report.reported_run import ReportedRun


def calibration_section(runs: Sequence[ReportedRun]) -> list[dict[str, Any]]:
    """Return a chart and the numbers of each run: accuracy over confidence."""
    return [
        {
            "run": run.name,
            "ece": run.best.calibration.ece,
            "bins": [each for each in run.best.calibration.bins if each.images],
            "chart": _chart(run, colour),
        }
        for colour, run in enumerate(runs, start=1)
    ]


def _chart(run: ReportedRun, colour: int) -> Chart:
    axes, found = Axes((0.0, 1.0), (0.0, 1.0)), run.best.calibration
    sure, right = run.best.guesses.confidence.mean(), 1 - run.best.top1_error
    return Chart(
        key=f"calibration-{colour}",
        says=(
            f"Accuracy of {run.name} over the probability of its first guess. On the "
            f"whole it is {sure:.1%} sure and {right:.1%} right; expected calibration "
            f"error {found.ece:.4f}. All numbers are in the table."
        ),
        x_title="probability of the first guess",
        y_title="share that is right",
        x_ticks=axes.x_ticks(5, "{:g}".format),
        y_ticks=axes.y_ticks(5, "{:g}".format),
        lines=(Line("as sure as right", 8, True, axes.points((0, 1), (0, 1))),),
        bars=tuple(_bar(axes, each, colour) for each in found.bins if each.images),
    )


def _bar(axes: Axes, each: Any, colour: int) -> Bar:
    left, top = axes.x(each.low), axes.y(each.accuracy)
    return Bar(
        left,
        top,
        round(axes.x(each.high) - left, 1),
        round(axes.y(0) - top, 1),
        f"{each.images:,} pictures, {each.confidence:.1%} sure, {each.accuracy:.1%} "
        "right",
        colour,
    )
