"""Folders and files as they lie on a disk, in an order that does not depend on it."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.sources.product_folder import product_of
from tfrecords.sources.sample import Ignored
from tfrecords.sources.sidecars import is_document, sidecars
from tfrecords.sources.system_names import is_hidden

Files = list[tuple[str, int]]  # path from the root with /, size in bytes
UNLABELLED = "it has no labels"  # as ILSVRC's test pictures
SYSTEM_FILE = "a file of the operating system"
_SYSTEM_FOLDER = "a folder of the operating system or of a program"
_SIDECAR = "it belongs to the picture of its name beside it"
_LINK = "a link to a folder"  # it may lead back up


class Walk:
    """Lists folders below a root and notes what it passes over.

    Passed over are what systems and programs leave (hidden files and folders,
    `Thumbs.db`, `@eaDir`, `__MACOSX`), files that belong to a picture beside them
    (`a.jpg.json`), pipes and devices, links to folders inside classes, and the
    datasets, runs and exports of this package.

    Args:
        root: what the files' paths start from.
        earlier: pass over only what older builds did, so that their datasets are
            known again.

    Attributes:
        ignored: what was passed over so far.
    """

    def __init__(self, root: Path, earlier: bool = False):
        self.root, self.earlier = root, earlier
        self.ignored: list[Ignored] = []

    def folders(self, path: Path) -> list[os.DirEntry]:
        """Return the folders in a folder that may hold pictures; notes nothing."""
        return [
            entry
            for entry in sorted_entries(path)
            if entry.is_dir() and not self._why_not(entry, frozenset())
        ]

    def classes(self, path: Path) -> dict[str, Files]:
        """List the files in each class folder of `path`.

        Raises:
            DatasetError: there are no classes, or one is empty.
        """
        classes = {}
        for entry in sorted_entries(path):
            reason = self._why_not(entry, frozenset())
            if reason or not entry.is_dir():
                self.ignore(entry, reason or "not in a class folder")
                continue
            files = list(self.files(Path(entry.path)))
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

    def flat(self, path: Path) -> Files:
        """List the files that lie directly in a folder; folders are passed over."""
        files: Files = []
        for entry in sorted_entries(path):
            if reason := self._why_not(entry, frozenset()):
                self.ignore(entry, reason)
            elif entry.is_dir():
                self.ignored.append(
                    Ignored(f"{relative(self.root, entry)}/", "a folder")
                )
            else:
                files += self._file(entry)
        return files

    def files(self, path: Path) -> Iterator[tuple[str, int]]:
        """Yield the files in a folder and in the folders below it, by name."""
        entries = sorted_entries(path)
        beside = frozenset() if self.earlier else sidecars(e.name for e in entries)
        for entry in entries:
            if reason := self._why_not(entry, beside):
                self.ignore(entry, reason)
            elif not entry.is_dir():
                yield from self._file(entry)
            elif entry.is_symlink():
                self.ignore(entry, _LINK)
            else:
                yield from self.files(Path(entry.path))

    def ignore(self, entry: os.DirEntry, reason: str) -> None:
        """Note that an entry was passed over."""
        slash = "/" if reason == _SYSTEM_FOLDER else ""
        self.ignored.append(Ignored(relative(self.root, entry) + slash, reason))

    def _why_not(self, entry: os.DirEntry, beside: frozenset[str]) -> str | None:
        if is_hidden(entry.name, self.earlier):
            return _SYSTEM_FOLDER if entry.is_dir() else SYSTEM_FILE
        if entry.is_dir():
            return None if self.earlier else product_of(Path(entry.path))
        return _SIDECAR if entry.name in beside else None

    def _file(self, entry: os.DirEntry) -> Files:
        size = file_size(entry.path)
        if size is not None:
            return [(relative(self.root, entry), size)]
        self.ignore(entry, "not a regular file")
        return []


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


def has_folders(path: Path, earlier: bool = False) -> bool:
    """Tell whether a folder holds folders that may hold pictures."""
    return bool(Walk(path, earlier).folders(path))


def has_pictures(path: Path, deep: bool = True) -> bool:
    """Tell whether a folder holds a file that may be a picture, by its name.

    Args:
        path: the folder.
        deep: look into the folders in it too.
    """
    walk = Walk(path)
    found = walk.files(path) if deep else iter(walk.flat(path))
    return any(not is_document(name.rpartition("/")[2]) for name, _ in found)


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
