import io
import os
import pickle
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import small

GOOD_PER_CLASS = 6


def noise(height, width, channels=3, seed=0):
    """Smooth coloured pixels: what a JPEG keeps."""
    generator = np.random.default_rng(seed)
    cells = (height // 12 + 1, width // 12 + 1, channels)
    coarse = generator.integers(0, 256, cells, np.uint8)
    image = Image.fromarray(coarse[..., 0] if channels == 1 else coarse)
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def encoded(image, kind="JPEG", **options):
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def huge_png():
    """A PNG whose header claims 100,000 x 100,000 pixels."""

    def chunk(name, data):
        checksum = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + checksum

    header = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + b"".join(
        chunk(*part) for part in [(b"IHDR", header), (b"IDAT", pixels), (b"IEND", b"")]
    )


def odd_pictures():
    """Files that can be used, though they are not what their names say."""
    rgb = Image.fromarray(noise(40, 50, seed=9))
    grey16 = Image.fromarray(noise(40, 50, 1, seed=9).astype(np.uint16) * 257)
    return {
        "grey.JPEG": encoded(rgb.convert("L")),
        "cmyk.JPEG": encoded(rgb.convert("CMYK")),
        "png.JPEG": encoded(rgb, "PNG"),
        "palette.png": encoded(rgb.quantize(16), "PNG"),
        "grey16.png": encoded(grey16, "PNG"),
        "alpha.png": encoded(rgb.convert("RGBA"), "PNG"),
        "animated.gif": encoded(
            rgb, "GIF", save_all=True, append_images=[rgb.rotate(90)]
        ),
    }


def bad_pictures():
    """Files that cannot be used, by the reason that must be given."""
    jpeg = encoded(noise(60, 60))
    return {
        "truncated.JPEG": (jpeg[: len(jpeg) // 2], "truncated"),
        "empty.JPEG": (b"", "empty"),
        "text.JPEG": (b"these are not the bytes of a picture", "unknown_format"),
        "soi.JPEG": (b"\xff\xd8", "decode_error"),
        "huge.png": (huge_png(), "too_large"),
    }


def write_tree(root, splits=("train", "val"), classes=("n01440764", "cat")):
    for index, split in enumerate(splits):
        for label, name in enumerate(classes):
            folder = root / split / name
            folder.mkdir(parents=True)
            for i in range(GOOD_PER_CLASS):
                seed = 100 * index + 10 * label + i
                data = encoded(noise(40 + i, 44, seed=seed))
                (folder / f"{i}.JPEG").write_bytes(data)
    return root


@pytest.fixture(scope="session")
def good_tree(tmp_path_factory) -> Path:
    """Two classes, two splits, six small photos in each class folder."""
    return write_tree(tmp_path_factory.mktemp("good"))


@pytest.fixture(scope="session")
def odd_tree(tmp_path_factory) -> Path:
    """The good tree with odd, bad and operating-system files in one class."""
    root = write_tree(tmp_path_factory.mktemp("odd"))
    folder = root / "train" / "cat"
    for name, data in odd_pictures().items():
        (folder / name).write_bytes(data)
    for name, (data, _) in bad_pictures().items():
        (folder / name).write_bytes(data)
    for name in ("Thumbs.db", ".DS_Store", "._0.JPEG", "desktop.ini"):
        (folder / name).write_bytes(b"\0\5\x16\7")
    return root


def fill(root, *paths):
    """Make files of one byte."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def fill_folders(root, *folders):
    """Fill each folder with two files."""
    return fill(root, *(f"{folder}/{i}.jpg" for folder in folders for i in (1, 2)))


def splits_of(source):
    """Return the splits that a source's samples name."""
    return {s.split for s in source.samples}


LATIN = os.fsdecode(b"caf\xe9")  # as archives of other systems leave it
FEW = {"size": 72, "processes": 1, "shards": 1, "validation_fraction": 0.5}


@pytest.fixture
def tree(tmp_path):
    """Three classes of two small pictures."""
    return small.write_tree(tmp_path / "in", 2)


@pytest.fixture
def root(tmp_path):
    """A folder of two pictures that tables and lists may name."""
    return fill(tmp_path / "in", "x/1.jpg", "y/2.jpg")


def as_processes_do(function, tasks, processes, watch, died=None):
    """Do as `run_tasks` with several processes, in this one: pickle, in any order."""
    function = pickle.loads(pickle.dumps(function))
    for task in reversed(tasks):
        result = function(pickle.loads(pickle.dumps(task)))
        yield pickle.loads(pickle.dumps(result))
