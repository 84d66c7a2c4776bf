"""What the cost grows with: batch, classes, pictures, shards, processes."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from keras_alexnet.record import Figure
from scripts.benchmarks import exports
from scripts.benchmarks.pictures import copy_pictures, link_tree
from scripts.benchmarks.process_memory import measure_command
from scripts.benchmarks.subjects import Settings
from scripts.benchmarks.system import System
from scripts.benchmarks.system_process import SystemProcess

BATCH_SIZES = (16, 32, 64, 128)
CLASSES = (10, 1000, 21_841)  # digits, ILSVRC, all of ImageNet
CLASSES_BATCH = 32
# Of a build: copies of each source picture, and two options of it.
GROWN = {"pictures": (1, 4, 16), "shards": (4, 32, 256), "processes": (1, 2)}
SOURCE = "digits"  # ships with scikit-learn; the squares are as large as any


def figures(settings: Settings) -> Iterator[Figure]:
    """Measure one thing after the other, the rest being as usual."""
    for batch in settings.options.batch_sizes or BATCH_SIZES:
        yield _step(settings, f"batch size {batch}", batch)
    for classes in CLASSES:
        yield _step(settings, f"classes {classes:,}", CLASSES_BATCH, classes=classes)
    root = settings.folder / "pictures"
    pictures = copy_pictures(SOURCE, root, settings.options.pictures)
    usual = {what: values[0] for what, values in GROWN.items()}
    usual["processes"] = len(settings.cores)
    for what, values in GROWN.items():
        for value in values:
            yield _build(settings.folder, pictures, what, {**usual, what: value})


def _step(settings: Settings, what: str, batch: int, **fields: int) -> Figure:
    job = settings.job("step", settings.options.precisions[0], batch) | fields
    job |= exports.write_network(job, settings.folder, pictures=1)
    ours = System("ours", Path(sys.executable), "scripts.benchmarks.ours", job)
    process = SystemProcess(ours, settings.folder, settings.cores)
    process.answer("ready")
    seconds = median(process.run() for _ in range(settings.options.rounds))
    peak = process.finish()
    process.kill()
    return _figure(f"training step, {what}", seconds, batch, peak)


def _build(
    folder: Path, pictures: list[Path], what: str, sizes: dict[str, int]
) -> Figure:
    tree, out = folder / "tree", folder / "built"
    link_tree(pictures, tree, sizes["pictures"])
    command = [sys.executable, "-m", "keras_alexnet", "build", str(tree), str(out)]
    command += [f"--{name}={sizes[name]}" for name in ("shards", "processes")]
    usage = measure_command([*command, "--validation-fraction=0"], folder / "build.log")
    shutil.rmtree(tree)
    shutil.rmtree(out)
    images = len(pictures) * sizes["pictures"]
    name = f"build, {what} {images if what == 'pictures' else sizes[what]:,}"
    return _figure(name, usage.wall_seconds, images, usage.peak_bytes)


def _figure(name: str, seconds: float, images: int, peak_bytes: int) -> Figure:
    each = f"{1e3 * seconds / images:,.2f} ms an image"
    return Figure(name, seconds, "s", f"{each}, peak {peak_bytes / 1e6:,.0f} MB")
