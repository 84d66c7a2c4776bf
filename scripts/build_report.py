"""What was measured of builds, made into rates, ratios and tables."""

import statistics
from collections.abc import Iterable
from typing import Any

from tfrecords.tables import Console, Table

RIVALS = {
    "pillow": "Pillow and TFRecordWriter in one loop, 256 x 256, one process",
    "tfds-resized": "tensorflow-datasets' GeneratorBasedBuilder, the same squares",
    "tfds-copied": "tensorflow-datasets' GeneratorBasedBuilder, files as they are",
}


Rates = dict[str, float | None]


def rates(start: dict[str, Any], whole: dict[str, Any]) -> Rates:
    """Compute images/s of a round, and images per second of one core's time.

    Those of each further picture (`working`) are None where more pictures took no
    longer: there were too few to tell from noise.
    """
    more = whole["pictures"] - start["pictures"]
    wall = whole["wall_seconds"] - start["wall_seconds"]
    processor = whole["processor_seconds"] - start["processor_seconds"]
    return {
        "images_per_second": whole["pictures"] / whole["wall_seconds"],
        "images_per_core_second": whole["pictures"] / whole["processor_seconds"],
        "working_images_per_second": more / wall if wall > 0 else None,
        "working_images_per_core_second": more / processor if processor > 0 else None,
    }


def ratios(builds: dict[str, Any], processes: int) -> Rates:
    """Compare within each round; medians over the rounds.

    `processes` entries compare our parallel build with our single process, the others
    our single process with a rival, per second of processor time. None where a rate
    is None.
    """

    def median(name: str, other: str, rate: str) -> float | None:
        pairs = zip(builds[name]["rounds"], builds[other]["rounds"], strict=True)
        return _median(
            a[rate] / b[rate] if a[rate] and b[rate] else None for a, b in pairs
        )

    found = {}
    for kind in ("", "working_"):
        many, rate = f"alexnet-{processes}", f"{kind}images_per_second"
        found[f"{kind}processes"] = median(many, "alexnet-1", rate)
        for rival in RIVALS:
            rate = f"{kind}images_per_core_second"
            found[f"{kind}{rival}"] = median("alexnet-1", rival, rate)
    return found


def _median(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else statistics.median(known)


def ratio_lines(document: dict[str, Any]) -> list[str]:
    """Say the ratios in words."""
    found = document["ratios"]

    def line(what: str, key: str) -> str:
        working = _text(found[f"working_{key}"], ".2f")
        return (
            f"{what}: {working} x while working, {_text(found[key], '.2f')} x for the "
            "whole command"
        )

    several = line(f"{document['processes']} processes over 1", "processes")
    rivals = [line(f"alexnet-1 over {name}, per core", name) for name in RIVALS]
    return [several, *rivals]


def _text(value: float | None, form: str) -> str:
    return "unknown" if value is None else format(value, form)


def markdown(document: dict[str, Any]) -> str:
    """Write the tables and ratios as Markdown."""
    source = document["source"]
    parts = [
        f"`{document['command']}`: {source['pictures']:,} pictures of "
        f"{source['mean_pixels']:,.0f} pixels and {source['mean_bytes'] / 1e3:.1f} kB; "
        f"{document['machine']['processor']}, {document['machine']['cores']} cores."
    ]
    for rows in [_builds_table(document), *_memory_table(document)]:
        head, *body = [f"| {' | '.join(row)} |" for row in rows]
        parts.append("\n".join([head, "|" + " --- |" * len(rows[0]), *body]))
    parts.append("\n".join(f"- {line}" for line in ratio_lines(document)))
    return "\n\n".join(parts) + "\n"


def print_report(document: dict[str, Any]) -> None:
    """Print the tables and ratios."""
    for rows in [_builds_table(document), *_memory_table(document)]:
        table = Table(*rows[0])
        for row in rows[1:]:
            table.add_row(*row)
        Console().print(table)
    print("\n".join(ratio_lines(document)))


def bytes_per_picture(build: dict[str, Any]) -> float:
    """Return the size of a record as it lies in the shards."""
    row = build["whole"][0]
    return row["bytes_written"] / row["pictures"]


def _builds_table(document: dict[str, Any]) -> list[tuple[str, ...]]:
    head = (
        "build|images/s|working|per core-second|wall s|processor s|peak MB|kB/picture"
    )
    rows = [tuple(head.split("|"))]
    for name, build in document["builds"].items():

        def median(form: str, key: str, digits: int, scale=1.0, build=build) -> str:
            value = _median(row[key] for row in build[form])
            scaled = None if value is None else value / scale
            return _text(scaled, f",.{digits}f")

        rows.append(
            (
                name,
                median("rounds", "images_per_second", 0),
                median("rounds", "working_images_per_second", 0),
                median("rounds", "working_images_per_core_second", 0),
                median("whole", "wall_seconds", 1),
                median("whole", "processor_seconds", 1),
                median("whole", "peak_bytes", 0, 1e6),
                f"{bytes_per_picture(build) / 1e3:.1f}",
            )
        )
    return rows


def _memory_table(document: dict[str, Any]) -> list[list[tuple[str, ...]]]:
    if "memory" not in document:
        return []
    memory = document["memory"]
    rows = [(f"pictures, {memory['processes']} processes", "peak MB", "kind", "ratio")]
    for run in memory["runs"]:
        ratio = run["peak_bytes"] / memory["runs"][0]["peak_bytes"]
        peak = f"{run['peak_bytes'] / 1e6:,.0f}"
        rows.append((f"{run['pictures']:,}", peak, run["memory_kind"], f"{ratio:.3f}"))
    return [rows]
