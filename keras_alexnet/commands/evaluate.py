"""`alexnet evaluate NETWORK... DATA`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from keras_alexnet.inference.runtimes import InferencePrecision, RuntimeName
from keras_alexnet.trained.names import CONFIG_FILE, METRICS_FILE
from tfrecords.errors import UserError
from tfrecords.files import disk_error, write_atomically
from tfrecords.plain_text import say, warn
from tfrecords.ranges import check_count
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table


@dataclass(frozen=True)
class EvaluateOptions:
    """Count the errors of a network, or of several averaged; a run gives its best one.

    With one run the figures are kept in its metrics.json too, one JSON object a line.
    """

    paths: tyro.conf.Positional[tuple[Path, ...]]
    """One run folder, network folder or export, or more, then the dataset folder."""
    views: Literal[1, 10] = 10
    """1: the centre; 10: corners, centre and mirrors, probabilities averaged."""
    split: str = "validation"
    """Split of the dataset."""
    runtime: RuntimeName | None = None
    """What computes the network; None: the folder's own, which is TensorFlow but for
    ONNX, LiteRT and OpenVINO exports. Each needs the extra of its name."""
    precision: InferencePrecision = "float32"
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
        raise UserError(
            "Expected RUN... DATA: at least one run folder and the dataset folder."
        )
    check_count("classes", options.classes, 0)
    *paths, data = options.paths
    files = ResultFiles(options.json, options.csv, options.confusion_csv)
    from keras_alexnet.evaluation.accuracy import evaluate
    from keras_alexnet.trained.opening import load
    from tfrecords import Manifest
    from tfrecords.progress import Progress

    total = Manifest.load(data).count(options.split) * len(paths)
    networks = [
        load(path, runtime=options.runtime, precision=options.precision)
        for path in paths
    ]
    with Progress("evaluate", total) as progress:
        found = evaluate(
            networks,
            data,
            views=options.views,
            split=options.split,
            progress=progress.update,
        )
    if len(paths) == 1 and (paths[0] / CONFIG_FILE).exists():
        _append(paths[0] / METRICS_FILE, found.summary())
    files.save(options.json, found.write_json)
    files.save(options.csv, found.write_csv)
    files.save(options.confusion_csv, found.write_confusion)
    if options.classes:
        _print_classes(found.classes(), options.classes)
    say(
        f"{found.images:,} pictures, {options.views} view(s): top-1 error "
        f"{found.top1_error:.2%}, top-5 error {found.top5_error:.2%}"
    )
    low, high = found.top1_interval
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
