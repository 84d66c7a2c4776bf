"""Where pictures come from: one file per kind of source."""

from collections.abc import Callable
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.files import local_path
from tfrecords.sources.csv_file import is_csv, open_csv
from tfrecords.sources.digits import open_digits
from tfrecords.sources.flat import is_flat, open_flat
from tfrecords.sources.folder import open_folder
from tfrecords.sources.ilsvrc_tars import TRAIN_TAR, VALIDATION_TAR, open_tars
from tfrecords.sources.kaggle import is_kaggle, open_kaggle
from tfrecords.sources.lists import is_lists, open_lists
from tfrecords.sources.sample import Ignored, Sample, Source
from tfrecords.sources.tfds_dataset import PREFIX, is_prepared, open_tfds
from tfrecords.sources.tree import has_folders

__all__ = ["KINDS", "Ignored", "Sample", "Source", "open_source"]

_OPENERS: dict[str, Callable[[Path], Source]] = {
    "folder": open_folder,
    "tar": open_tars,
    "flat": open_flat,
    "list": open_lists,
    "kaggle": open_kaggle,
    "csv": open_csv,
    "tfds": lambda path: open_tfds(str(path)),
    "digits": lambda _: open_digits(),
}
KINDS = tuple(_OPENERS)


def open_source(path_or_name: Path | str, kind: str | None = None) -> Source:
    """List a source's pictures and classes; no picture is read.

    Where a folder could be of several kinds, the first of these counts: both official
    tars of ILSVRC-2012, a dataset prepared by tfds, Kaggle's folders, lists, class
    folders with a flat validation folder, one of the tars, class folders.

    Args:
        path_or_name: a folder, a tar, a list or CSV file; `tfds:NAME`; or `digits`. A
            folder of that name is `./digits`.
        kind: one of `KINDS`; None lets the content tell.

    Raises:
        DatasetError: there is no such source, or it is not of that kind.
    """
    if kind is None:
        kind = _recognised(str(path_or_name))
    if kind not in _OPENERS:
        known = ", ".join(KINDS)
        raise DatasetError(f"Expected a source of kind {known}; got {kind!r}.")
    if kind == "tfds":
        return open_tfds(str(path_or_name))
    return _OPENERS[kind](Path(path_or_name))


def _recognised(name: str) -> str:
    if name == "digits":
        return "digits"
    if name.startswith(PREFIX):
        return "tfds"
    try:
        path = local_path(name)
        return _kind_of_folder(path) if path.is_dir() else _kind_of_file(path)
    except OSError as error:
        raise DatasetError(f"Cannot list {name}: {error.strerror}.") from None


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
