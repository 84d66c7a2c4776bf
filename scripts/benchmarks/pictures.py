"""Pictures to measure on: of a dataset in other forms, and trees of any source's."""

import math
import os
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

import tfrecords
from tfrecords import Manifest, Statistics
from tfrecords.dataset import example
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.errors import UserError
from tfrecords.images.options import JPEG
from tfrecords.sources import open_source

PHOTO_QUALITY = 90  # of pictures that are scaled; ILSVRC's own are of 75 to 96


def extract(data: Path, tree: Path, count: int) -> None:
    """Write the first training pictures as files, byte for byte, one folder a class.

    Raises:
        UserError: There are too few, or they are no JPEGs.
    """
    manifest = Manifest.load(data)
    found, encoding = manifest.count("train"), manifest.options["encoding"]
    if found < count or encoding != JPEG:
        raise UserError(
            f"Expected {count} training pictures as {JPEG} in {data}, found {found} as "
            f"{encoding}. Build it so, or ask for fewer with --pictures."
        )
    for label in range(manifest.num_classes):
        (tree / f"{label:05d}").mkdir(parents=True)
    names = [str(data / shard.file) for shard in manifest.splits["train"]]
    for number, record in enumerate(tf.data.TFRecordDataset(names).take(count)):
        stored = example.decode_example(record.numpy())
        path = tree / f"{stored.label:05d}" / f"{number:06d}.jpg"
        path.write_bytes(stored.encoded)


def build_raw(tree: Path, out: Path) -> None:
    """Build a dataset of uncompressed pictures of the extracted files."""
    splits = {"validation_fraction": 0, "test_fraction": 0}
    tfrecords.build(tree, out, encoding="raw", progress=False, **splits)


def write_colours(data: Path, path: Path, side: int) -> None:
    """Write what every pipeline adds and subtracts, for those without TensorFlow.

    `components` is float32 (3, 3), the spread of colours that three normal numbers
    are multiplied with; `mean` is float32 (side, side, 3).
    """
    from keras_alexnet.data.augment import NOISE_STD
    from keras_alexnet.data.mean import mean_patch

    statistics = Statistics.load(data / STATISTICS_FILE)
    components = NOISE_STD * statistics.stddevs * statistics.eigenvectors
    mean = mean_patch(statistics, side)
    np.savez(path, components=components.astype("float32"), mean=mean)


def copy_pictures(source: str, root: Path, limit: int | None = None) -> list[Path]:
    """Copy pictures of a source into a class/picture tree, all its splits together.

    Copies, so that every system reads files, whatever the source, from the same disk
    and out of a warm page cache. With `limit` so many are taken, evenly spread.
    """
    listed = open_source(source)
    count = len(listed.samples)
    taken = count if limit is None else min(limit, count)
    pictures = []
    for sample in (listed.samples[i * count // taken] for i in range(taken)):
        path = root / listed.labels[sample.label] / sample.key.replace("/", "_")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.origin.read())
        pictures.append(path)
    return pictures


def link_tree(pictures: list[Path], root: Path, copies: int = 1) -> Path:
    """Make a class/picture tree of hard links, `copies` to each picture."""
    for path in pictures:
        folder = root / path.parent.name
        folder.mkdir(parents=True, exist_ok=True)
        for copy in range(copies):
            os.link(path, folder / f"{copy}_{path.name}")
    return root


def scale_pictures(pictures: list[Path], pixels: int, root: Path) -> list[Path]:
    """Write each picture as a JPEG of about so many pixels, its shape kept."""
    scaled = []
    for picture in pictures:
        scaled.append(root / picture.parent.name / f"{picture.name}.jpg")
        scaled[-1].parent.mkdir(parents=True, exist_ok=True)
        with Image.open(picture) as opened:
            image = opened.convert("RGB")
        factor = math.sqrt(pixels / math.prod(image.size))
        width, height = (max(1, round(side * factor)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        image.save(scaled[-1], quality=PHOTO_QUALITY)
    return scaled


def describe(pictures: list[Path]) -> dict[str, float]:
    """Return `pictures`, `classes`, `mean_bytes` and `mean_pixels`, of all files."""
    return {
        "pictures": len(pictures),
        "classes": len({picture.parent.name for picture in pictures}),
        "mean_bytes": np.mean([path.stat().st_size for path in pictures]),
        "mean_pixels": np.mean([_pixels(path) for path in pictures]),
    }


def _pixels(path: Path) -> int:
    with Image.open(path) as image:
        return math.prod(image.size)
