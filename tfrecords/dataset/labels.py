"""Class order and names: which folder is which label."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

from tfrecords.addresses import Address
from tfrecords.dataset.names import LABELS_FILE
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.plain_text import printable
from tfrecords.text_file import is_utf8

_SYNSET = re.compile(r"n\d{8}")  # a WordNet noun id, as ILSVRC names its folders
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def class_order(names: Iterable[str], earlier: bool = False) -> tuple[str, ...]:
    """Sort class names; a class's place is its 0-based label.

    Names that all are numbers are sorted by value (1, 2, 10), others by code point.
    For folders named by WordNet id this is the order that Caffe, torchvision, Keras
    and tfds use (n01440764, tench, is 0).

    Args:
        names: in any order.
        earlier: sort numbers as text, as older builds did.

    Raises:
        DatasetError: a name holds a line break, so `labels.txt` could not hold it, or
            is not UTF-8; or two differ only by space at their ends.
    """
    order = tuple(sorted(set(names)))
    for name in order:
        if len(name.splitlines()) != 1:
            raise DatasetError(
                f"Expected class names of one line, found {name!r}. Rename its folder."
            )
        if not is_utf8(name):
            raise DatasetError(
                f"Expected class names in UTF-8, found '{printable(name)}'. Rename its "
                "folder; for a whole tree, from Latin 1: convmv -f latin1 -t utf8 -r "
                "--notest SOURCE."
            )
    if earlier:
        return order
    _check_space(order)
    if all(map(_NUMBER.fullmatch, order)):
        return tuple(sorted(order, key=Decimal))
    return order


def _check_space(names: tuple[str, ...]) -> None:
    for name in names:
        controls = any(unicodedata.category(letter) == "Cc" for letter in name)
        if controls or not name.strip():
            raise DatasetError(
                f"Expected class names that can be printed, found {name!r}. Rename its "
                "folder."
            )
    twice = [n for n, count in Counter(n.strip() for n in names).items() if count > 1]
    if twice:
        raise DatasetError(
            f"Expected class names that differ by more than space at their ends, found "
            f"{twice[0]!r} twice. Rename a folder."
        )


def synset(name: str) -> str:
    """Return the WordNet id that a class name is, or an empty string."""
    return name if _SYNSET.fullmatch(name) else ""


def order_name(names: Iterable[str]) -> str:
    """Say how sorted class names are ordered.

    Returns:
        `sorted_wnid`; `numbers`, where each name is its label; `sorted_number`; or
        `sorted_name`.
    """
    names = tuple(names)
    if all(map(synset, names)):
        return "sorted_wnid"
    if names == tuple(str(label) for label in range(len(names))):
        return "numbers"
    return "sorted_number" if all(map(_NUMBER.fullmatch, names)) else "sorted_name"


def sorted_order(
    names: Iterable[str], earlier: bool = False
) -> tuple[tuple[str, ...], str]:
    """Sort class names and say how.

    Args:
        names: in any order.
        earlier: sort as older builds did: as numbers only what is 0 to n - 1.

    Returns:
        The names by label, and what `order_name` says of them.

    Raises:
        DatasetError: as `class_order`.
    """
    names = set(names)
    if earlier and names == {str(number) for number in range(len(names))}:
        return tuple(sorted(names, key=int)), "numbers"
    order = class_order(names, earlier)
    return order, order_name(order)


def whole_number(text: str) -> str | None:
    """Return a number as an integer's digits: `3` for `3.0`; None: it is none."""
    whole, _, fraction = text.partition(".")
    if not _NUMBER.fullmatch(text) or fraction.strip("0"):
        return None
    return str(int(whole))


def one_form(names: Iterable[str]) -> dict[str, str]:
    """Map names that are one name in two Unicode forms to one of them.

    macOS writes an accent apart from its letter. A name that is there in one form
    alone stays as it is.
    """
    groups: dict[str, set[str]] = {}
    for name in names:
        groups.setdefault(composed(name), set()).add(name)
    return {
        name: form if len(group) > 1 else name
        for form, group in groups.items()
        for name in group
    }


def composed(name: str) -> str:
    """Return a name with each accent in one character with its letter."""
    return unicodedata.normalize("NFC", name)


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


def read_labels(directory: Path | Address) -> tuple[str, ...]:
    """Read `labels.txt`.

    Raises:
        OSError: there is no such file.
    """
    text = (directory / LABELS_FILE).read_bytes().decode("utf-8", "surrogateescape")
    return tuple(text.split("\n")[:-1])
