"""What the cost grows with: batch, classes, pictures, shards, processes."""

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from keras_alexnet.record import Figure
from scripts.benchmarks import exports, system_process
from scripts.benchmarks.pictures import Picture, copy_pictures, link_tree
from scripts.benchmarks.process_memory import Usage, measure_command
from scripts.benchmarks.subjects import Settings

BATCH_SIZES = (16, 32, 64, 128)
CLASSES = (10, 1000, 21_841)  # digits, ILSVRC, all of ImageNet
CLASSES_BATCH = 32
COPIES = (1, 4, 16)  # of each source picture
SHARDS = (4, 32, 256)
PROCESSES = (1, 2)
SOURCE = "digits"  # ships with scikit-learn; the squares are as large as any

Say = Callable[[str], None]


def figures(settings: Settings, say: Say) -> Iterator[Figure]:
    """Measure one thing after the other, the rest being as usual."""
    for batch in settings.options.batch_sizes or BATCH_SIZES:
        yield _step(settings, f"batch size {batch}", batch, None, say)
    for classes in CLASSES:
        yield _step(settings, f"classes {classes:,}", CLASSES_BATCH, classes, say)
    pictures = copy_pictures(
        SOURCE, settings.folder / "pictures", settings.options.pictures
    )
    usual = {"copies": COPIES[0], "shards": SHARDS[0], "processes": len(settings.cores)}
    grown = {"copies": COPIES, "shards": SHARDS, "processes": PROCESSES}
    for what, values in grown.items():
        for value in values:
            now = {**usual, what: value}
            images = len(pictures) * now["copies"]
            shown = f"pictures {images:,}" if what == "copies" else f"{what} {value:,}"
            say(f"build, {shown}")
            usage = _build(settings, pictures, now)
            yield _figure(f"build, {shown}", usage.wall_seconds, images, usage)


def _figure(name: str, seconds: float, images: int, usage: Usage) -> Figure:
    each = f"{1e3 * seconds / images:,.2f} ms an image"
    peak = f"peak {usage.peak_bytes / 1e6:,.0f} MB {usage.memory_kind}"
    return Figure(name, seconds, "s", f"{each}, {peak}")


def _step(
    settings: Settings, what: str, batch: int, classes: int | None, say: Say
) -> Figure:
    say(f"training step, {what}")
    job = settings.job("step", settings.options.precisions[0], batch)
    job |= {"runs": settings.options.rounds, "classes": classes or job["classes"]}
    job |= exports.write_network(job, settings.folder, pictures=1)
    path, log = settings.folder / "step.json", settings.folder / "step.log"
    path.write_text(json.dumps(job))
    own = system_process.command("scripts.benchmarks.ours", Path(sys.executable))
    variables = system_process.environment(len(settings.cores))
    usage = measure_command([*own, str(path)], log, variables)
    lines = log.read_text(errors="replace").splitlines()
    answers = [json.loads(line) for line in lines if line.startswith('{"seconds"')]
    seconds = median(answer["seconds"] for answer in answers)
    return _figure(f"training step, {what}", seconds, batch, usage)


def _build(
    settings: Settings, pictures: list[Picture], fields: dict[str, int]
) -> Usage:
    tree, out = settings.folder / "build_tree", settings.folder / "built"
    link_tree(pictures, tree, fields["copies"])
    command = [sys.executable, "-m", "keras_alexnet", "build", str(tree), str(out)]
    command += ["--shards", str(fields["shards"]), "--validation-fraction", "0"]
    command += ["--processes", str(fields["processes"])]
    try:
        return measure_command(command, settings.folder / "build.log")
    finally:
        shutil.rmtree(tree)
        shutil.rmtree(out, ignore_errors=True)
