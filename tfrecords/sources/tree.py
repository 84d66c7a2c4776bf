"""Folders and files as they lie on a disk, in an order that does not depend on it."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.sources.sample import Ignored

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
Files = list[tuple[str, int]]  # path from the root with /, size in bytes
UNLABELLED = "it has no labels"  # as ILSVRC's test pictures
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}  # .DS_Store and ._* are dotfiles
_SYSTEM = "a file of the operating system"


def checked_folder(root: Path) -> Path:
    """Return a folder's full path.

    Raises:
        DatasetError: it is not there, or is no folder.
    """
    if not root.exists():
        raise DatasetError(f"Expected a folder of pictures, {root} does not exist.")
    if not root.is_dir():
        raise DatasetError(
            f"Expected a folder of pictures, {root} is a file. Give a folder, a CSV "
            "file or an official tar of ILSVRC-2012; unpack other archives."
        )
    return root.resolve()


def sorted_entries(path: Path) -> list[os.DirEntry]:
    """List a folder by name.

    Raises:
        DatasetError: it cannot be listed.
    """
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DatasetError(f"Cannot list {path}: {error.strerror}.") from None


def has_folders(path: Path) -> bool:
    """Tell whether a folder holds folders that are not hidden."""
    try:
        with os.scandir(path) as entries:
            return any(e.is_dir() and not is_hidden(e.name) for e in entries)
    except OSError as error:
        raise DatasetError(f"Cannot list {path}: {error.strerror}.") from None


def is_hidden(name: str) -> bool:
    """Tell whether a name is one that operating systems leave behind."""
    return name.startswith(".") or name.lower() in _SYSTEM_FILES


def list_classes(root: Path, path: Path, ignored: list[Ignored]) -> dict[str, Files]:
    """List the files in each class folder of `path`.

    Args:
        root: what the files' paths start from.
        path: the folder that holds one folder per class.
        ignored: grows by what is passed over.

    Raises:
        DatasetError: there are no classes, or one is empty.
    """
    classes = {}
    for entry in sorted_entries(path):
        if is_hidden(entry.name) or not entry.is_dir():
            reason = _SYSTEM if is_hidden(entry.name) else "not in a class folder"
            ignored.append(Ignored(relative(root, entry), reason))
            continue
        files = list(_list_files(root, Path(entry.path), ignored))
        if not files:
            raise DatasetError(
                f"Expected pictures in every class folder, {entry.path} has none. "
                "Fill it or remove it."
            )
        classes[entry.name] = files
    if not classes:
        raise DatasetError(
            f"Expected one folder per class in {path}, found none. "
            "Arrange the pictures as CLASS/PICTURE or SPLIT/CLASS/PICTURE."
        )
    return classes


def list_flat(root: Path, path: Path, ignored: list[Ignored]) -> Files:
    """List the files that lie directly in a folder.

    Args:
        root: what the files' paths start from.
        path: the folder.
        ignored: grows by what is passed over, folders among it.
    """
    files: Files = []
    for entry in sorted_entries(path):
        if entry.is_dir():
            ignored.append(Ignored(f"{relative(root, entry)}/", "a folder"))
        else:
            files += _picture(root, entry, ignored)
    return files


def _list_files(root: Path, path: Path, ignored: list[Ignored]) -> Iterator:
    for entry in sorted_entries(path):
        if entry.is_dir() and not is_hidden(entry.name):
            if entry.is_symlink():  # it may lead back up
                ignored.append(Ignored(relative(root, entry), "a link to a folder"))
            else:
                yield from _list_files(root, Path(entry.path), ignored)
        else:
            yield from _picture(root, entry, ignored)


def _picture(root: Path, entry: os.DirEntry, ignored: list[Ignored]) -> Files:
    if is_hidden(entry.name):
        reason = _SYSTEM
    elif (size := file_size(entry.path)) is None:
        reason = "not a regular file"
    else:
        return [(relative(root, entry), size)]
    ignored.append(Ignored(relative(root, entry), reason))
    return []


def file_size(path: str | Path) -> int | None:
    """Return a file's size in bytes; None: it is a pipe, a device or a folder.

    What cannot be found has no bytes, so that the build rejects it by name; a pipe or
    a device must never be opened.
    """
    try:
        status = os.stat(path)
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def relative(root: Path, entry: os.DirEntry) -> str:
    """Return an entry's path from the root, with slashes."""
    # relpath is slow, and there are a million entries.
    return entry.path[len(os.path.join(root, "")) :].replace(os.sep, "/")


def dataset_name(root: Path) -> str:
    """Make a dataset name of a folder's or file's."""
    name = re.sub(r"[^a-z0-9]+", "_", root.name.lower()).strip("_")
    return name if name[:1].isalpha() else f"images_{name}".strip("_")
