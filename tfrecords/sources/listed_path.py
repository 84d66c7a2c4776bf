"""Paths as lists and tables name them, on other systems and from other folders."""

import os
import posixpath
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from tfrecords.sources.system_names import is_system

_NEVER = re.compile(r"[A-Za-z]:[\\/]|.*\0|\s*$", re.DOTALL)  # a drive, no name


def listed_path(text: str, *roots: Path) -> str | None:
    r"""Return a path from one of several folders, with slashes; None: it leads out.

    Absolute paths below the folder are taken; so are Windows' backslashes, unless a
    file's name has one, and a name in another Unicode form than the file's.

    Args:
        text: what the list has.
        roots: full paths of folders that relative paths may start from; the first
            counts where the file is in none.
    """
    text = text.strip()
    if _NEVER.match(text):
        return None
    slashed = text.replace("\\", "/")
    if slashed != text or not text.isascii():
        for root in roots:
            for name in _forms(text, slashed, root):
                if os.path.lexists(root / name):
                    return name
    inside = (_inside(slashed, root) for root in roots)
    return next((name for name in inside if name is not None), None)


def is_passed_over(name: str) -> bool:
    """Tell whether a listed path leads to what a system or a program left behind."""
    return any(map(is_system, name.split("/")))


def _forms(text: str, slashed: str, root: Path) -> Iterator[str]:
    for some in (text, slashed):
        name = _inside(some, root)
        if name is not None:
            yield name
            yield from (unicodedata.normalize(form, name) for form in ("NFC", "NFD"))


def _inside(text: str, root: Path) -> str | None:
    name = posixpath.normpath(text)
    if name.startswith("/"):
        name = os.path.relpath(name, root)
        if name.startswith("../"):  # perhaps by way of a link
            name = os.path.relpath(os.path.realpath(text), root)
    return None if name in (".", "..") or name.startswith("../") else name
