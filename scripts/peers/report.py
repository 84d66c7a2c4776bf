"""What was measured of the peers, as tables, as JSON and as a picture."""

import io
from typing import Any

from peers.contestant import Result
from peers.group import Measured
from peers.scaling import Point
from peers.targets import TARGETS
from tfrecords.tables import Console, Table

Rows = list[tuple[str, ...]]
COLOURS = {"ours": "#1b7f5c", "yardstick": "#8fc9b4", "peer": "#9a9a9a"}


def document_of(measured: list[Measured], points: list[Point]) -> dict[str, Any]:
    """Return every figure, for JSON."""
    return {
        "groups": [_group_fields(each) for each in measured],
        "targets": [
            {"group": group, "target": text, "value": value, "met": met}
            for group, text, value, met in judged(measured)
        ],
        "scaling": [vars(point) for point in points],
    }


def judged(
    measured: list[Measured],
) -> list[tuple[str, str, float | None, bool | None]]:
    """Return group, aim, what was reached, and whether that is enough."""
    found = []
    for each in measured:
        for target in TARGETS:
            if target.concerns(each):
                value = target.value(each)
                met = None if value is None else target.met(value)
                found.append((each.group.title, target.text, value, met))
    return found


def tables(measured: list[Measured], points: list[Point]) -> list[tuple[str, Rows]]:
    """Return every table with its title; the first row is the head."""
    found = [(each.group.title, _group_rows(each)) for each in measured]
    if measured:
        found.append(("targets", _target_rows(measured)))
    if points:
        found.append(("scaling", _scaling_rows(points)))
    return found


def print_tables(measured: list[Measured], points: list[Point]) -> None:
    """Print them."""
    for title, (head, *body) in tables(measured, points):
        table = Table(*head, title=title)
        for row in body:
            table.add_row(*row)
        Console().print(table)


def markdown(command: str, measured: list[Measured], points: list[Point]) -> str:
    """Write them as Markdown."""
    parts = [f"`{command}`"]
    for title, rows in tables(measured, points):
        head, *body = [f"| {' | '.join(row)} |" for row in rows]
        lines = [head, "|" + " --- |" * len(rows[0]), *body]
        parts.append(f"**{title}**\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def plot(measured: list[Measured]) -> bytes:
    """Draw the speed of each contestant over ours, one panel a group; PNG."""
    from keras_alexnet.figures.canvas import new_figure

    buffer = io.BytesIO()
    with new_figure(8, 0.6 + 2.4 * len(measured)) as figure:
        panels = figure.subplots(len(measured), 1, squeeze=False)
        for each, axes in zip(measured, panels[:, 0], strict=True):
            _draw(each, axes)
        figure.tight_layout()
        figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()


def _draw(each: Measured, axes: Any) -> None:
    bars = [r for r in each.results if r.kind != "limit" and r.seconds]
    bars.sort(key=lambda result: each.speed(result.name) or 0.0)
    speeds = [each.speed(result.name) or 0.0 for result in bars]
    names = [result.name for result in bars]
    drawn = axes.barh(names, speeds, color=[COLOURS[r.kind] for r in bars])
    labels = [f"{r.rate:,.1f}" for r in bars]
    axes.bar_label(drawn, labels, padding=3, fontsize=8)
    axes.set_title(each.group.title, fontsize=10, loc="left")
    axes.set_xlabel(f"speed over {each.results[0].name}; figures: images/s")
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)


def _group_fields(each: Measured) -> dict[str, Any]:
    group = each.group
    return {
        "part": group.part,
        "precision": group.precision,
        "batch_size": group.batch_size,
        "results": [
            {
                **vars(result),
                "rate": result.rate,
                "ratio": result.ratio,
                "speed_over_ours": each.speed(result.name),
                "shares": {
                    limit: each.share(result.name, limit) for limit in group.demands
                },
            }
            for result in each.results
        ],
    }


def _group_rows(each: Measured) -> Rows:
    limits = list(each.group.demands)
    head = ("contestant", "images/s", "ms a call", "ours over it", "spread")
    rows: Rows = [(*head, "differs by", "peak MB", *(f"of {n}" for n in limits))]
    for result in each.results:
        if result.failure is not None:
            blanks = ("–",) * (len(rows[0]) - 2)
            rows.append((result.name, f"not measured: {result.failure}", *blanks))
        elif result.kind == "limit":
            rows.append(_limit_row(result, len(rows[0])))
        else:
            rows.append(_result_row(each, result, limits))
    return rows


def _limit_row(result: Result, columns: int) -> tuple[str, ...]:
    assert result.rate is not None
    per_second = result.rate
    large = per_second > 1e8
    rate = f"{per_second / 1e9:,.1f}·10⁹/s" if large else f"{per_second:,.0f}"
    return (f"limit: {result.name}", rate, *("–",) * (columns - 2))


def _result_row(each: Measured, result: Result, limits: list[str]) -> tuple[str, ...]:
    ratios = result.ratios
    peak = None if result.peak_bytes is None else result.peak_bytes / 1e6
    calls = result.amount / result.rate if result.rate else None
    return (
        result.name,
        _text(result.rate, ",.1f"),
        _text(None if calls is None else 1e3 * calls, ",.1f"),
        _text(result.ratio, ".2f", " ×"),
        f"{min(ratios):.2f} to {max(ratios):.2f}" if ratios else "–",
        _text(result.difference, ".0e"),
        _text(peak, ",.0f"),
        *(_text(each.share(result.name, limit), ".0%") for limit in limits),
    )


def _target_rows(measured: list[Measured]) -> Rows:
    rows: Rows = [("group", "target", "reached", "")]
    words = {None: "not measured", True: "met", False: "missed"}
    for group, text, value, met in judged(measured):
        rows.append((group, text, _text(value, ".2f"), words[met]))
    return rows


def _scaling_rows(points: list[Point]) -> Rows:
    rows: Rows = [("work", "grows", "to", "s", "ms an image", "peak MB")]
    for point in points:
        rows.append(
            (
                point.work,
                point.what,
                f"{point.value:,}",
                f"{point.seconds:,.2f}",
                f"{1e3 * point.seconds / point.images:,.2f}",
                f"{point.peak_bytes / 1e6:,.0f} {point.memory_kind}",
            )
        )
    return rows


def _text(value: float | None, form: str, unit: str = "") -> str:
    return "–" if value is None else format(value, form) + unit
