"""Pictures in folders: class/picture, or split/class/picture."""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.labels import class_order
from tfrecords.sources.sample import FileOrigin, Sample, Source

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_UNSPLIT = ""
_Files = list[tuple[str, int]]  # key, bytes
_SYSTEM_FILES = {"thumbs.db", "desktop.ini"}  # .DS_Store and ._* are dotfiles


def open_folder(root: Path) -> Source:
    """List a tree of pictures.

    A tree whose `train` folder holds folders is split/class/picture, any other is
    class/picture. Class folders may have folders of their own. Every regular file
    in a class folder counts as a picture, whatever its name, except dotfiles,
    `Thumbs.db` and `desktop.ini`.

    Raises:
        DatasetError: no folder, no classes, an empty class, or a class that is
            not in the training split.
    """
    root = _checked(root)
    ignored: list[str] = []
    splits = _split_folders(root, ignored)
    if splits:
        listings = {s: _list_classes(root, path, ignored) for s, path in splits.items()}
    else:
        listings = {_UNSPLIT: _list_classes(root, root, ignored)}
    labels = _common_classes(listings)
    return Source(
        kind="folder",
        name=_dataset_name(root),
        location=str(root),
        labels=labels,
        samples=_samples(root, listings, labels),
        ignored=tuple(sorted(ignored)),
        validation_fraction=0.0 if splits else 0.1,
    )


def _checked(root: Path) -> Path:
    if not root.exists():
        raise DatasetError(f"Expected a folder of pictures, {root} does not exist.")
    if not root.is_dir():
        raise DatasetError(f"Expected a folder of pictures, {root} is a file.")
    return root.resolve()


def _split_folders(root: Path, ignored: list[str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    others: list[str] = []
    for entry in _sorted_entries(root):
        split = SPLIT_FOLDERS.get(entry.name.lower())
        if split is None or not entry.is_dir():
            others.append(entry.name)
        elif split in found:
            names = f"{found[split].name} and {entry.name}"
            raise DatasetError(f"{root} has two {split} folders, {names}. Keep one.")
        else:
            found[split] = Path(entry.path)
    if "train" not in found or not _has_folders(found["train"]):
        return _no_splits(root, found, others)
    ignored.extend(others)
    if "test" in found and not _has_folders(found["test"]):
        ignored.append(f"{found.pop('test').name}/")  # unlabelled, as in ILSVRC
    return {s: found[s] for s in ("train", "validation", "test") if s in found}


def _no_splits(root: Path, found: dict, others: list[str]) -> dict[str, Path]:
    # "train" beside "car" is a class; "val" with class folders is half a dataset.
    if any(_has_folders(path) for path in found.values()):
        names = ", ".join(path.name for path in found.values())
        raise DatasetError(
            f"Expected a train folder with one folder per class in {root}, found "
            f"{names}. Put the training pictures into {root / 'train'}/CLASS/."
        )
    return {}


def _has_folders(path: Path) -> bool:
    return any(entry.is_dir() for entry in _sorted_entries(path) if not _hidden(entry))


def _sorted_entries(path: Path) -> list[os.DirEntry]:
    try:
        with os.scandir(path) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DatasetError(f"Cannot list {path}: {error.strerror}.") from None


def _hidden(entry: os.DirEntry) -> bool:
    return entry.name.startswith(".") or entry.name.lower() in _SYSTEM_FILES


def _list_classes(root: Path, path: Path, ignored: list[str]) -> dict[str, _Files]:
    classes = {}
    for entry in _sorted_entries(path):
        if _hidden(entry) or not entry.is_dir():
            ignored.append(_key(root, entry))
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


def _list_files(root: Path, path: Path, ignored: list[str]) -> Iterator:
    for entry in _sorted_entries(path):
        if _hidden(entry):
            ignored.append(_key(root, entry))
        elif entry.is_dir():
            if entry.is_symlink():
                ignored.append(_key(root, entry))  # it may lead back up
            else:
                yield from _list_files(root, Path(entry.path), ignored)
        elif (size := _regular_size(entry)) is None:
            ignored.append(_key(root, entry))
        else:
            yield _key(root, entry), size


def _regular_size(entry: os.DirEntry) -> int | None:
    # A dangling link is listed with no bytes, so that the build rejects it by name;
    # a pipe or a device must never be opened.
    try:
        status = entry.stat()
    except OSError:
        return 0
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _key(root: Path, entry: os.DirEntry) -> str:
    return os.path.relpath(entry.path, root).replace(os.sep, "/")


def _common_classes(listings: dict) -> tuple[str, ...]:
    first = listings["train" if "train" in listings else _UNSPLIT]
    for split, classes in listings.items():
        extra = sorted(set(classes) - set(first))
        if extra:
            raise DatasetError(
                f"Expected the classes of train in {split}, found also {extra[0]!r} "
                f"({len(extra)} such). Add it to train or remove it."
            )
    return class_order(first)


def _samples(root: Path, listings: dict, labels: tuple[str, ...]) -> tuple[Sample, ...]:
    places = {name: label for label, name in enumerate(labels)}
    samples = [
        Sample(
            key, places[name], split or None, size, FileOrigin(os.path.join(root, key))
        )
        for split, classes in listings.items()
        for name, files in classes.items()
        for key, size in files
    ]
    return tuple(sorted(samples, key=lambda sample: sample.key))


def _dataset_name(root: Path) -> str:
    name = re.sub(r"[^a-z0-9]+", "_", root.name.lower()).strip("_")
    return name if name[:1].isalpha() else f"images_{name}".strip("_")
