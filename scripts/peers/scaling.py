"""What the cost grows with: batch, classes, pictures, shards, processes."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from picture_trees import Picture, copy_pictures, link_tree
from process_tree import Usage, measure

from peers.group import Settings
from peers.process import FOLDER

BATCH_SIZES = (16, 32, 64, 128)
CLASSES = (10, 1000, 21_841)  # digits, ILSVRC, all of ImageNet
CLASSES_BATCH = 32
COPIES = (1, 4, 16)  # of each source picture
SHARDS = (4, 32, 256)
PROCESSES = (1, 2)
SOURCE = "digits"  # ships with scikit-learn; the squares are as large as any


@dataclass(frozen=True)
class Point:
    """One measurement of one thing that grows.

    Attributes:
        work: `training step` or `build`.
        what: What grows.
        value: How large it is.
        seconds: Of a step, or of the whole build.
        images: That it takes.
        peak_bytes: Of all processes at one moment.
        memory_kind: PSS or RSS; see `process_tree.Usage`.
    """

    work: str
    what: str
    value: int
    seconds: float
    images: int
    peak_bytes: int
    memory_kind: str


def points(settings: Settings, say: Callable[[str], None]) -> Iterator[Point]:
    """Measure one thing after the other, the rest being as usual."""
    precision = settings.precisions[0]
    for batch in settings.batch_sizes or BATCH_SIZES:
        yield _step(settings, "batch size", batch, precision, batch, say)
    for classes in CLASSES:
        yield _step(
            settings,
            "classes",
            classes,
            precision,
            CLASSES_BATCH,
            say,
            classes=classes,
        )
    pictures = copy_pictures(SOURCE, settings.folder / "pictures", settings.pictures)
    yield from _builds(settings, pictures, say)


def _step(
    settings: Settings,
    what: str,
    value: int,
    precision: str,
    batch: int,
    say: Callable[[str], None],
    **fields: Any,
) -> Point:
    from peers import our_network

    say(f"training step, {what} {value:,}")
    job = settings.job(precision, batch, stock=False, runs=settings.rounds, **fields)
    job |= our_network.write_network(job, settings.folder, pictures=1)
    path, log = settings.folder / "step.json", settings.folder / "step.log"
    path.write_text(json.dumps(job))
    usage = measure([sys.executable, str(FOLDER / "our_step.py"), str(path)], log)
    seconds = median(_answers(log))
    return Point(
        "training step",
        what,
        value,
        seconds,
        batch,
        usage.peak_bytes,
        usage.memory_kind,
    )


def _answers(log: Path) -> list[float]:
    """Return the seconds that a worker wrote."""
    lines = log.read_text(errors="replace").splitlines()
    answers = [json.loads(line) for line in lines if line.startswith('{"seconds"')]
    return [answer["seconds"] for answer in answers]


def _builds(
    settings: Settings, pictures: list[Picture], say: Callable[[str], None]
) -> Iterator[Point]:
    usual = {"copies": COPIES[0], "shards": SHARDS[0], "processes": len(settings.cores)}
    for what, values in (
        ("copies", COPIES),
        ("shards", SHARDS),
        ("processes", PROCESSES),
    ):
        for value in values:
            now = {**usual, what: value}
            images = len(pictures) * now["copies"]
            shown = images if what == "copies" else value
            name = "pictures" if what == "copies" else what
            say(f"build, {name} {shown:,}")
            usage = _build(settings, pictures, now)
            seconds, peak = usage.wall_seconds, usage.peak_bytes
            kind = usage.memory_kind
            yield Point("build", name, shown, seconds, images, peak, kind)


def _build(
    settings: Settings, pictures: list[Picture], fields: dict[str, int]
) -> Usage:
    tree, out = settings.folder / "build_tree", settings.folder / "built"
    link_tree(pictures, tree, fields["copies"])
    command = [sys.executable, "-m", "keras_alexnet", "build", str(tree), str(out)]
    options = {
        "--shards": fields["shards"],
        "--processes": fields["processes"],
        "--validation-fraction": 0,
    }
    command += [str(word) for option in options.items() for word in option]
    try:
        return measure(command, settings.folder / "build.log")
    finally:
        shutil.rmtree(tree)
        shutil.rmtree(out, ignore_errors=True)
