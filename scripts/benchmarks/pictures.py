"""Pictures to measure on: of a dataset in other forms, and trees of any source's."""

import math
import os
from dataclasses import dataclass
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

    Args:
        data: Dataset folder whose encoding is `jpeg`.
        tree: New folder.
        count: Of pictures.

    Raises:
        UserError: There are too few, or they are stored otherwise.
    """
    manifest = Manifest.load(data)
    if manifest.options["encoding"] != JPEG:
        raise UserError(
            f"Expected a dataset built with --encoding {JPEG}, {data} is "
            f"{manifest.options['encoding']}."
        )
    if manifest.count("train") < count:
        raise UserError(
            f"Expected {count} training pictures in {data}, found "
            f"{manifest.count('train')}. Ask for fewer with --pictures."
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


@dataclass(frozen=True)
class Picture:
    """A file, its class, and a name that no other picture of the class has."""

    path: Path
    class_name: str
    name: str


def copy_pictures(source: str, root: Path, limit: int | None = None) -> list[Picture]:
    """Copy the pictures of a source, of all its splits together, into a folder.

    Copies, so that every system reads files, whatever the source, from the same disk
    and out of a warm page cache.

    Args:
        source: what `alexnet build` reads.
        root: a new folder.
        limit: take so many only, spread evenly over the listing.

    Raises:
        UserError: there is no such source.
        OSError: a picture cannot be read.
    """
    listed = open_source(source)
    count = len(listed.samples)
    taken = count if limit is None else min(limit, count)
    pictures = []
    for sample in (listed.samples[i * count // taken] for i in range(taken)):
        name = sample.key.replace("/", "_")
        class_name = listed.labels[sample.label]
        path = root / class_name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.origin.read())
        pictures.append(Picture(path, class_name, name))
    return pictures


def link_tree(pictures: list[Picture], root: Path, copies: int = 1) -> Path:
    """Make a class/picture tree of hard links, `copies` to each picture."""
    for name in {picture.class_name for picture in pictures}:
        (root / name).mkdir(parents=True)
    for copy in range(copies):
        for picture in pictures:
            os.link(picture.path, root / picture.class_name / f"{copy}_{picture.name}")
    return root


def scale_pictures(pictures: list[Picture], pixels: int, root: Path) -> list[Picture]:
    """Write each picture as a JPEG of about so many pixels, its shape kept."""
    scaled = []
    for picture in pictures:
        path = root / picture.class_name / f"{picture.name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(picture.path) as opened:
            image = opened.convert("RGB")
        factor = math.sqrt(pixels / (image.width * image.height))
        width, height = (max(1, round(side * factor)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BICUBIC)
        image.save(path, "JPEG", quality=PHOTO_QUALITY)
        scaled.append(Picture(path, picture.class_name, path.name))
    return scaled


def describe(pictures: list[Picture]) -> dict[str, float]:
    """Return `pictures`, `classes`, `mean_bytes` and `mean_pixels`, of all files."""
    pixels = []
    for picture in pictures:
        with Image.open(picture.path) as image:
            pixels.append(image.width * image.height)
    return {
        "pictures": len(pictures),
        "classes": len({picture.class_name for picture in pictures}),
        "mean_bytes": float(np.mean([p.path.stat().st_size for p in pictures])),
        "mean_pixels": float(np.mean(pixels)),
    }
