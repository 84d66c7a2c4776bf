"""`alexnet predict NETWORK FILES...`."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from keras_alexnet.inference.runtimes import InferencePrecision, RuntimeName
from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.ranges import check_count
from tfrecords.result_files import ResultFiles
from tfrecords.sources.tree import Walk
from tfrecords.tables import Console, Table

if TYPE_CHECKING:
    from keras_alexnet.inference.classifier import Prediction


@dataclass(frozen=True)
class PredictOptions:
    """Name what is in pictures, with a run, a network folder or an exported model.

    A file that cannot be read is named with its reason, and the exit status is then 1.
    Ctrl-C ends it early: what is done by then is printed and written.
    """

    model: tyro.conf.Positional[Path]
    """Run folder, network folder, exported folder, or one version in it."""
    files: tyro.conf.Positional[tuple[Path, ...]]
    """Pictures, or folders of them."""
    views: Literal[1, 10] | None = None
    """Views of each picture; None: 1, or those that are built into an export."""
    top: int = 5
    """Classes to name."""
    runtime: RuntimeName | None = None
    """What computes the network; None: the folder's own, which is TensorFlow but for
    ONNX, LiteRT and OpenVINO exports. Each needs the extra of its name."""
    precision: InferencePrecision = "float32"
    """mixed_bfloat16 is faster where the processor has it, and moves probabilities by
    up to a hundredth or so; TensorFlow runs an export as it is."""
    json: Path | None = None
    """Write all to this file, one JSON list."""
    csv: Path | None = None
    """Write all to this file, one row a guess."""


def main(arguments: Sequence[str]) -> int:
    """Predict, print a table and write the files that were asked for."""
    options = tyro.cli(PredictOptions, args=arguments, prog="alexnet predict")
    check_count("top", options.top)
    files = ResultFiles(options.json, options.csv)
    from keras_alexnet.inference.classifier import BATCH_SIZE
    from keras_alexnet.trained.opening import load

    network = load(options.model, runtime=options.runtime, precision=options.precision)
    paths = list_pictures(options.files)
    predictions: list[Prediction] = []
    stopped = False
    try:
        for start in range(0, len(paths), BATCH_SIZE):
            batch = paths[start : start + BATCH_SIZE]
            predictions += network.predict(batch, views=options.views, top=options.top)
    except KeyboardInterrupt:
        if not predictions:  # files of an earlier call stay
            raise
        stopped = True
    answers = [p.as_dict() for p in predictions]
    document = json.dumps(answers, indent=1, allow_nan=False)
    files.write(options.json, (document + "\n").encode())
    files.write(options.csv, _rows(predictions))
    failed = [p for p in predictions if p.error]
    _print_table([p for p in predictions if not p.error])
    for p in failed:
        say(f"{p.file}: {p.error}", error=True)
    files.close()
    if stopped:
        say(_stopped(len(predictions), options), error=True)
        return 130
    return 1 if failed else 0


def list_pictures(files: Iterable[Path | str]) -> list[Path]:
    """Return the files that are named, and those in folders that are.

    Args:
        files: Pictures, or folders whose files are taken in order of their names, all
            that `tfrecords.build` would take of them.

    Raises:
        UserError: A path does not exist, or there is no file at all.
    """
    files = list(files)
    paths = list(_expand(files))
    if not paths:
        raise UserError(
            f"Expected pictures, found no file in {', '.join(map(str, files))}."
        )
    return paths


def _expand(files: Iterable[Path | str]) -> Iterator[Path]:
    for name in files:
        path = Path(name)
        if path.is_dir():
            yield from (path / name for name, _ in Walk(path).files(path))
        elif path.exists():
            yield path
        else:
            raise UserError(f"Expected a picture or a folder, found no {path}.")


def _stopped(done: int, options: PredictOptions) -> str:
    written = [str(path) for path in (options.json, options.csv) if path]
    where = f"; they are in {' and '.join(written)}" if written else ""
    return f"Stopped after {done:,} files{where}. The others were not looked at."


def _rows(predictions: "Sequence[Prediction]") -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["file", "rank", "label", "class", "probability", "error"])
    for p in predictions:
        if p.error:
            writer.writerow([p.file, "", "", "", "", p.error])
        guesses = zip(p.labels, p.classes, p.scores, strict=True)
        for rank, guess in enumerate(guesses, start=1):
            writer.writerow([p.file, rank, *guess, ""])
    # A file's name may hold any bytes; they are written as they are.
    return text.getvalue().encode("utf-8", "surrogateescape")


def _print_table(predictions: "Sequence[Prediction]") -> None:
    if not predictions:
        return
    table = Table("class", "probability", "then")
    table.add_column("file", overflow="fold")
    for p in predictions:
        others = zip(p.labels[1:], p.scores[1:], strict=True)
        then = ", ".join(f"{label} {score:.1%}" for label, score in others)
        table.add_row(p.labels[0], f"{p.scores[0]:.1%}", then, p.file)
    Console().print(table)
