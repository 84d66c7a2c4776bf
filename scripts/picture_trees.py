"""Trees of pictures to measure builds on, made from any source of picture files."""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tfrecords.sources import open_source

PHOTO_QUALITY = 90  # of pictures that are scaled; ILSVRC's own are of 75 to 96


@dataclass(frozen=True)
class Picture:
    """A file, its class, and a name that no other picture of the class has."""

    path: Path
    class_name: str
    name: str


def copy_pictures(source: str, root: Path, limit: int | None = None) -> list[Picture]:
    """Copy the pictures of a source, of all its splits together, into a folder.

    Copies, so that every contender reads files, whatever the source, from the same
    disk and out of a warm page cache.

    Args:
        source: what `alexnet build` reads.
        root: a new folder.
        limit: take so many only, spread evenly over the listing.

    Raises:
        DatasetError: there is no such source.
        OSError: a picture cannot be read.
    """
    listed = open_source(source)
    count = len(listed.samples)
    wanted = range(count) if limit is None or limit >= count else _spread(count, limit)
    pictures = []
    for sample in (listed.samples[i] for i in wanted):
        name = sample.key.replace("/", "_")
        class_name = listed.labels[sample.label]
        path = root / class_name / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(sample.origin.read())
        pictures.append(Picture(path, class_name, name))
    return pictures


def _spread(count: int, limit: int) -> list[int]:
    return [i * count // limit for i in range(limit)]


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
    """Look at every picture.

    Returns:
        `pictures`, `classes`, `mean_bytes` and `mean_pixels`.
    """
    total_bytes = total_pixels = 0
    for picture in pictures:
        total_bytes += picture.path.stat().st_size
        with Image.open(picture.path) as image:
            total_pixels += image.width * image.height
    return {
        "pictures": len(pictures),
        "classes": len({picture.class_name for picture in pictures}),
        "mean_bytes": total_bytes / len(pictures),
        "mean_pixels": total_pixels / len(pictures),
    }
