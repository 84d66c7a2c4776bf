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


def order_name(names: Iterable[str]) -> str:
    """Say how sorted class names are ordered: `sorted_wnid` or `sorted_name`."""
    return "sorted_wnid" if all(map(synset, names)) else "sorted_name"


def sorted_order(names: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Sort class names; names that are 0 to n - 1 are sorted as numbers.

    Returns:
        The names by label, and `sorted_wnid`, `sorted_name` or `numbers`.

    Raises:
        DatasetError: a name holds a line break.
    """
    names = set(names)
    if names == {str(number) for number in range(len(names))}:
        return tuple(sorted(names, key=int)), "numbers"
    order = class_order(names)
    return order, order_name(order)


def numbered(numbers: Iterable[int], where: str) -> tuple[str, ...]:
    """Name classes that are known by their numbers alone.

    Raises:
        DatasetError: the numbers are not 0 to n - 1.
    """
    found = set(numbers)
    absent = set(range(len(found))) - found
    if absent:
        raise DatasetError(
            f"Expected labels 0 to {len(found) - 1} in {where}, found {max(found)} but "
            f"no {min(absent)}. Number the classes from 0 without gaps, or name them."
        )
    return tuple(str(number) for number in range(len(found)))


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
