"""Where pictures come from: one file per kind of source."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.files import local_path
from tfrecords.sources.csv_file import is_csv, open_csv
from tfrecords.sources.digits import open_digits
from tfrecords.sources.folder import open_classes, open_folder
from tfrecords.sources.ilsvrc.flat import is_flat, open_flat
from tfrecords.sources.ilsvrc.kaggle import is_kaggle, open_kaggle
from tfrecords.sources.ilsvrc.tars import TRAIN_TAR, VALIDATION_TAR, open_tars
from tfrecords.sources.layout import outside, unwrapped
from tfrecords.sources.lists import is_lists, open_lists
from tfrecords.sources.product_folder import product_of
from tfrecords.sources.sample import Ignored, Sample, Source
from tfrecords.sources.tfds import PREFIX, is_prepared, open_tfds
from tfrecords.sources.tree import has_folders

__all__ = ["KINDS", "Ignored", "Sample", "Source", "is_built_in", "open_source"]

_OPENERS: dict[str, Callable[..., Source]] = {
    "folder": open_folder,
    "tar": lambda path, earlier: open_tars(path),
    "flat": open_flat,
    "list": open_lists,
    "kaggle": open_kaggle,
    "csv": open_csv,
    "classes": open_classes,
    "tfds": lambda path, earlier: open_tfds(str(path), earlier),
    "digits": lambda path, earlier: open_digits(),
}
KINDS = tuple(_OPENERS)


def open_source(
    path_or_name: Path | str, kind: str | None = None, earlier: bool = False
) -> Source:
    """List a source's pictures and classes; no picture is read.

    Where a folder could be of several kinds, the first of these counts: both official
    tars of ILSVRC-2012, a dataset prepared by tfds, Kaggle's folders, lists, class
    folders with a flat validation folder, one of the tars, class folders. A folder
    that holds nothing but one folder of pictures is looked through.

    Args:
        path_or_name: a folder, a tar, a list or CSV file; `tfds:NAME`; or `digits`. A
            folder of that name is `./digits`.
        kind: one of `KINDS`; None lets the content tell. `folder` has class folders,
            perhaps in split folders; with `classes` each folder in it is a class.
        earlier: read folders, names and orders as older builds did, so that their
            datasets are known again.

    Raises:
        DatasetError: there is no such source, or it is not of that kind, or it is a
            run folder or an exported model.
    """
    name = str(path_or_name)
    if kind is not None and kind not in _OPENERS:
        known = ", ".join(KINDS)
        raise DatasetError(f"Expected a source of kind {known}; got {kind!r}.")
    if is_built_in(name, kind):
        return _OPENERS[kind or _built_in_kind(name)](name, earlier)
    try:
        return _open_path(local_path(name), kind, earlier)
    except OSError as error:
        raise DatasetError(f"Cannot list {name}: {error.strerror}.") from None


def is_built_in(name: str, kind: str | None) -> bool:
    """Tell whether a source is known by its name: it is no path."""
    if kind is None:
        return bool(_built_in_kind(name))
    return kind == "digits" or (kind == "tfds" and name.startswith(PREFIX))


def _built_in_kind(name: str) -> str:
    return "digits" if name == "digits" else "tfds" if name.startswith(PREFIX) else ""


def _open_path(path: Path, kind: str | None, earlier: bool) -> Source:
    _check_product(path, kind)
    inner = path
    if kind is None:
        kind = _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
        if kind == "folder" and path.is_dir() and not earlier:
            inner = unwrapped(path)
            kind = _kind_of_folder(inner)
    elif kind == "folder" and path.is_dir() and not earlier:
        inner = unwrapped(path)
    source = _OPENERS[kind](inner, earlier)
    if inner == path:
        return source
    note = f"{inner} is read, the one folder of pictures in {path}."
    return replace(
        source,
        notes=(note, *source.notes),
        ignored=tuple(sorted((*source.ignored, *outside(path, inner)))),
    )


def _check_product(path: Path, kind: str | None) -> None:
    product = product_of(path)
    if product and not (kind in (None, "tfds") and is_prepared(path)):
        raise DatasetError(
            f"Expected a source of pictures, {path} is {product}. Give the folder that "
            "the pictures are in."
        )


def _kind_of_file(path: Path) -> str:
    if is_csv(path):
        return "csv"
    if path.suffix == ".txt" and path.is_file():
        return "list"
    return "tar" if path.suffix == ".tar" and path.is_file() else "folder"


def _kind_of_folder(path: Path) -> str:
    tars = [(path / name).is_file() for name in (TRAIN_TAR, VALIDATION_TAR)]
    if all(tars):
        return "tar"
    if is_prepared(path):
        return "tfds"
    if is_kaggle(path):
        return "kaggle"
    if is_lists(path):
        return "list"
    if is_flat(path):
        return "flat"
    train = path / "train"
    if any(tars) and not (train.is_dir() and has_folders(train)):
        return "tar"
    return "folder"
