"""`alexnet evaluate RUN... DATA`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, write_atomically
from tfrecords.plain_text import say, warn
from tfrecords.ranges import check_count
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table


@dataclass(frozen=True)
class EvaluateOptions:
    """Count the errors of a run's best network, or of several runs averaged.

    With one run the figures are kept in its metrics.json too, one JSON object a line.
    """

    paths: tyro.conf.Positional[tuple[Path, ...]]
    """One run folder or more, then the dataset folder."""
    views: Literal[1, 10] = 10
    """1: the centre; 10: corners, centre and mirrors, probabilities averaged."""
    split: str = "validation"
    """Split of the dataset."""
    runtime: Literal["tensorflow", "openvino"] = "tensorflow"
    """What computes the network; openvino needs the extra keras-alexnet[openvino]."""
    precision: Literal["float32", "mixed_bfloat16"] = "float32"
    """mixed_bfloat16 is faster where the processor has it, and moves probabilities by
    up to a hundredth or so."""
    json: Path | None = None
    """Write figures, classes and confusion matrix to this file."""
    csv: Path | None = None
    """Write the table of classes to this file."""
    confusion_csv: Path | None = None
    """Write the confusion matrix to this file."""
    classes: int = 20
    """Rows of the printed table, worst classes first; 0 prints none."""


def main(arguments: Sequence[str]) -> int:
    """Evaluate, print a table and write the files that were asked for."""
    options = tyro.cli(EvaluateOptions, args=arguments, prog="alexnet evaluate")
    if len(options.paths) < 2:
        raise DatasetError(
            "Expected RUN... DATA: at least one run folder and the dataset folder."
        )
    check_count("classes", options.classes, 0)
    *runs, data = options.paths
    files = ResultFiles(options.json, options.csv, options.confusion_csv)
    from keras_alexnet.evaluation.accuracy import evaluate
    from tfrecords import Manifest
    from tfrecords.progress import Progress

    total = Manifest.load(data).count(options.split) * len(runs)
    with Progress("evaluate", total) as progress:
        report = evaluate(
            runs,
            data,
            num_views=options.views,
            split=options.split,
            runtime=options.runtime,
            precision=options.precision,
            progress=progress.update,
        )
    if len(runs) == 1:
        _append(runs[0] / "metrics.json", report.summary())
    files.save(options.json, report.write_json)
    files.save(options.csv, report.write_csv)
    files.save(options.confusion_csv, report.write_confusion)
    if options.classes:
        _print_classes(report.classes(), options.classes)
    say(
        f"{report.images:,} pictures, {options.views} view(s): top-1 error "
        f"{report.top1_error:.2%}, top-5 error {report.top5_error:.2%}"
    )
    low, high = report.top1_interval
    say(f"95 % interval of the top-1 error: {low:.2%} to {high:.2%}")
    files.close()
    return 0


def _append(path: Path, summary: dict) -> None:
    """Add one evaluation, a JSON object a line, to those of the run if that can be."""
    line = json.dumps(summary, allow_nan=False) + "\n"
    try:
        earlier = path.read_bytes() if path.exists() else b""
        write_atomically(path, earlier + line.encode())
    except OSError as error:
        warn(f"{disk_error(error, path)} The figures are not kept there.")


def _print_classes(rows: list[dict], most: int) -> None:
    rows = [row for row in rows if row["images"]]
    rows.sort(key=lambda row: -row["top1_error"])
    table = Table("class", "pictures", "top-1 error", "top-5 error", "taken for")
    for row in rows[:most]:
        table.add_row(
            row["class"],
            str(row["images"]),
            f"{row['top1_error']:.1%}",
            f"{row['top5_error']:.1%}",
            f"{row['taken_for']} ({row['times']})" if row["times"] else "",
        )
    Console().print(table)
