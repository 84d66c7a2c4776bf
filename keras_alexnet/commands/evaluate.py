"""`alexnet evaluate NETWORK... DATA`."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

from keras_alexnet.inference.runtimes import InferencePrecision, RuntimeName
from keras_alexnet.trained.names import CONFIG_FILE, METRICS_FILE
from tfrecords.errors import UserError
from tfrecords.files import disk_error, write_atomically
from tfrecords.plain_text import say, warn
from tfrecords.ranges import check_count
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table

if TYPE_CHECKING:
    from keras_alexnet.data.records import StoredSplit
    from keras_alexnet.evaluation.class_lookup import ClassLookup
    from keras_alexnet.evaluation.result import Evaluation

WORST_COUNT = 24  # pictures, where nothing is said


@dataclass(frozen=True)
class EvaluateOptions:
    """Count the errors of a network, or of several averaged; a run gives its best one.

    With one run the figures are kept in its metrics.json too, one JSON object a line.
    docs/evaluation.md says what each figure means.
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
    """Write all figures and the confusion matrix to this file."""
    csv: Path | None = None
    """Write the table of classes to this file."""
    confusion_csv: Path | None = None
    """Write the confusion matrix to this file."""
    classes: int = 20
    """Rows of the printed table, worst classes first; 0 prints none."""
    pairs: int = 5
    """Pairs of classes that are confused most often, printed and in the JSON; 0: none.
    """
    worst: Path | None = None
    """Draw the pictures that are most surely wrong on this sheet, .png, .svg or .pdf,
    each with its class, the guess and its probability."""
    worst_count: int | None = None
    """Pictures of the sheet, and of the list in the JSON; None: 24."""
    real: Path | None = None
    """Also count errors against several valid labels a picture: this JSON file is the
    real.json of Beyer et al., or an object of file names with lists of classes."""
    groups: Path | None = None
    """Also count errors between groups of classes: this file is a CSV of classes and
    groups, or a .json object of them."""


def main(arguments: Sequence[str]) -> int:
    """Evaluate, print tables and figures and write the files that were asked for."""
    options = tyro.cli(EvaluateOptions, args=arguments, prog="alexnet evaluate")
    _check(options)
    *paths, data = options.paths
    files = ResultFiles(options.json, options.csv, options.confusion_csv, options.worst)
    if options.worst is not None:
        from keras_alexnet.figures.worst_errors import check_worst_sheet, draw_worst

        check_worst_sheet(options.worst, options.worst_count or WORST_COUNT)
    from keras_alexnet.data.records import open_split
    from keras_alexnet.evaluation.class_lookup import ClassLookup
    from keras_alexnet.evaluation.pairs import confused_pairs
    from keras_alexnet.evaluation.worst import worst_errors
    from keras_alexnet.inference.named_pictures import SplitPictures
    from tfrecords import Manifest

    manifest = Manifest.load(data)
    split = open_split(data, options.split, 1, manifest)
    classes = ClassLookup.of(manifest)
    measures = _measures(options, split, classes)
    found = _evaluate(options, split.count)
    if len(paths) == 1 and (paths[0] / CONFIG_FILE).exists():
        _append(paths[0] / METRICS_FILE, found.summary())
    more: dict[str, Any] = {name: measure(found) for name, measure in measures.items()}
    more["pairs"] = confused_pairs(found.confusion, found.labels, options.pairs)
    if options.json or options.worst:
        count = options.worst_count or WORST_COUNT
        worst = worst_errors(found, SplitPictures(split), count)
        more["worst"] = [each.as_dict(found.labels) for each in worst]
    files.save(options.json, lambda path: found.write_json(path, more))
    files.save(options.csv, found.write_csv)
    files.save(options.confusion_csv, found.write_confusion)
    files.save(options.worst, lambda path: draw_worst(worst, classes.shown, path))
    _print_tables(options, found, more, classes)
    _say_figures(found, more)
    files.close()
    return 0


def _check(options: EvaluateOptions) -> None:
    """Refuse what could not be done before anything is read."""
    if len(options.paths) < 2:
        raise UserError(
            "Expected RUN... DATA: at least one run folder and the dataset folder."
        )
    check_count("classes", options.classes, 0)
    check_count("pairs", options.pairs, 0)
    check_count("worst_count", options.worst_count)
    if options.worst_count and not (options.worst or options.json):
        raise UserError(
            f"Expected --worst or --json with --worst-count {options.worst_count}: "
            "nothing else shows these pictures."
        )


def _measures(
    options: EvaluateOptions, split: "StoredSplit", classes: "ClassLookup"
) -> "dict[str, Callable[[Evaluation], dict[str, Any]]]":
    """Read the files of what else is to be counted: its name, and what counts it."""
    from keras_alexnet.evaluation.groups import group_errors, read_groups
    from keras_alexnet.evaluation.valid_labels import (
        multi_label_error,
        read_valid_labels,
    )

    measures: dict[str, Callable[[Evaluation], dict[str, Any]]] = {}
    if options.real is not None:
        valid = read_valid_labels(options.real, split.names(), classes)
        measures["real"] = lambda found: multi_label_error(found.guesses, valid)
    if options.groups is not None:
        groups = read_groups(options.groups, classes)
        measures["groups"] = lambda found: group_errors(found.confusion, groups)
    return measures


def _evaluate(options: EvaluateOptions, pictures: int) -> "Evaluation":
    from keras_alexnet.evaluation.accuracy import evaluate
    from keras_alexnet.trained.opening import load
    from tfrecords.progress import Progress

    *paths, data = options.paths
    networks = [
        load(path, runtime=options.runtime, precision=options.precision)
        for path in paths
    ]
    with Progress("evaluate", pictures * len(paths)) as progress:
        return evaluate(
            networks,
            data,
            views=options.views,
            split=options.split,
            progress=progress.update,
        )


def _append(path: Path, summary: dict) -> None:
    """Add one evaluation, a JSON object a line, to those of the run if that can be."""
    line = json.dumps(summary, allow_nan=False) + "\n"
    try:
        earlier = path.read_bytes() if path.exists() else b""
        write_atomically(path, earlier + line.encode())
    except OSError as error:
        warn(f"{disk_error(error, path)} The figures are not kept there.")


def _print_tables(
    options: EvaluateOptions,
    found: "Evaluation",
    more: dict[str, Any],
    classes: "ClassLookup",
) -> None:
    """Print the worst classes, the pairs, the groups, and the networks of several."""
    shown = dict(zip(found.labels, classes.shown, strict=True))
    rows = sorted(
        (row for row in found.classes() if row["images"]),
        key=lambda row: -row["top1_error"],
    )
    _print("class", rows[: options.classes], shown)
    _print_pairs(more["pairs"], shown)
    if "groups" in more:
        _print("group", [row for row in more["groups"]["groups"] if row["images"]])
    if found.networks:
        _print_networks(found)


def _print(
    noun: str, rows: Sequence[dict[str, Any]], shown: dict[str, str] | None = None
) -> None:
    """Print a table of classes or groups, called as is shown, if there is a row."""
    if not rows:
        return
    shown = shown or {}
    errors = [name for name in ("top1_error", "top5_error") if name in rows[0]]
    titles = [f"{name[:3]}-{name[3]} error" for name in errors]
    table = Table(noun, "pictures", *titles, "taken for")
    for row in rows:
        other = row["taken_for"]
        table.add_row(
            shown.get(row[noun], row[noun]),
            str(row["images"]),
            *(f"{row[name]:.1%}" for name in errors),
            f"{shown.get(other, other)} ({row['times']})" if row["times"] else "",
        )
    Console().print(table)


def _print_pairs(pairs: Sequence[dict[str, Any]], shown: dict[str, str]) -> None:
    if not pairs:
        return
    table = Table("most confused", "taken for", "times", "of its pictures")
    for pair in pairs:
        names = (shown[pair["true"]], shown[pair["taken_for"]])
        table.add_row(*names, str(pair["times"]), f"{pair['share']:.1%}")
    Console().print(table)


def _print_networks(found: "Evaluation") -> None:
    """Print the errors of each network of an ensemble, and of all together."""
    table = Table("network", "top-1 error", "top-5 error", "loss")
    members = found.members()
    for each in [*members, {"path": f"all {len(members)}", **found.errors()}]:
        errors = (f"{each[name]:.2%}" for name in ("top1_error", "top5_error"))
        table.add_row(each["path"], *errors, f"{each['loss']:.3f}")
    Console().print(table)


def _say_figures(found: "Evaluation", more: dict[str, Any]) -> None:
    say(
        f"{found.images:,} pictures, {found.context['views']} view(s): top-1 error "
        f"{found.top1_error:.2%}, top-5 error {found.top5_error:.2%}"
    )
    say(
        f"95 % intervals: top-1 error {_range(found.top1_interval)}, top-5 error "
        f"{_range(found.top5_interval)}"
    )
    calibration = found.calibration
    say(
        f"Loss {found.loss:.4f}, expected calibration error {calibration.ece:.2%} "
        f"({len(calibration.bins)} bins)"
    )
    if real := more.get("real"):
        say(
            f"Against all valid labels: top-1 error {real['top1_error']:.2%} "
            f"({_range(real['interval'])}) of {real['images']:,} pictures, "
            f"{real['left_out']:,} left out"
        )
    if groups := more.get("groups"):
        say(
            f"Between {len(groups['groups'])} groups of classes: top-1 error "
            f"{groups['top1_error']:.2%} ({_range(groups['interval'])})"
        )


def _range(interval: Sequence[float]) -> str:
    low, high = interval
    return f"{low:.2%} to {high:.2%}"
