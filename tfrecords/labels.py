"""Class order and names: which folder is which label."""

import re
from collections.abc import Iterable
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically

LABELS_FILE = "labels.txt"
_SYNSET = re.compile(r"n\d{8}")  # a WordNet noun id, as ILSVRC names its folders


def class_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort class names by code point; a class's place is its 0-based label.

    For folders named by WordNet id this is the order that Caffe, torchvision,
    Keras and tfds use (n01440764, tench, is 0).

    Raises:
        DatasetError: a name holds a line break, so `labels.txt` could not hold it.
    """
    order = tuple(sorted(set(names)))
    for name in order:
        if len(name.splitlines()) != 1:
            raise DatasetError(
                f"Expected class names of one line, found {name!r}. Rename its folder."
            )
    return order


def synset(name: str) -> str:
    """Return the WordNet id that a class name is, or an empty string."""
    return name if _SYNSET.fullmatch(name) else ""


def write_labels(directory: Path, names: Iterable[str]) -> None:
    """Write `labels.txt`: line i is the name of label i."""
    text = "".join(f"{name}\n" for name in names)
    write_atomically(directory / LABELS_FILE, text.encode("utf-8", "surrogateescape"))


def read_labels(directory: Path) -> tuple[str, ...]:
    """Read `labels.txt`.

    Raises:
        OSError: there is no such file.
    """
    text = (directory / LABELS_FILE).read_bytes().decode("utf-8", "surrogateescape")
    return tuple(text.split("\n")[:-1])
