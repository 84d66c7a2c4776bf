"""Text that people and their programs write: lists, tables, names."""

import codecs
from pathlib import Path


def read_text(path: Path, most_bytes: int = -1) -> str:
    r"""Read a text file in UTF-8, or in UTF-16 with a byte order mark.

    A byte order mark is left out, line ends become `\n`. Bytes that are not UTF-8
    become lone surrogates, as in the file names that Python lists, so that a list can
    name a file of any name.

    Args:
        path: the file.
        most_bytes: read only its start, an even number of bytes; -1: all of it.

    Raises:
        OSError: it cannot be read.
        ValueError: it starts as UTF-16 and is no such.
    """
    with open(path, "rb") as file:
        data = file.read(most_bytes)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", "strict" if most_bytes < 0 else "replace")
    else:
        text = data.decode("utf-8-sig", "surrogateescape")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def is_utf8(text: str) -> bool:
    """Tell whether text has no lone surrogates, Python's form of other bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
