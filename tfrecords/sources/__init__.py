"""Where pictures come from: one file per kind of source."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tfrecords.errors import DatasetError
from tfrecords.files import local_path
from tfrecords.sources import csv_file, digits, folder, lists, tfds
from tfrecords.sources.ilsvrc import flat, kaggle, tars
from tfrecords.sources.layout import outside, unwrapped
from tfrecords.sources.product_folder import product_of
from tfrecords.sources.sample import Ignored, Sample, Source

__all__ = [
    "AUTO",
    "KINDS",
    "SOURCES",
    "Ignored",
    "Sample",
    "Source",
    "SourceKind",
    "is_built_in",
    "open_source",
]


@dataclass(frozen=True)
class SourceKind:
    """What a file of this room says of itself.

    Attributes:
        kind: what `--source` calls it.
        recognises: tells whether a path is of the kind.
        open: lists the pictures and classes of a path.
        by_name: it is also asked with what the user gave, as text, which then is a name
            and no path.
        older: older builds read it in another way, so that `open` takes `earlier`.
    """

    kind: str
    recognises: Callable[[Any], bool]
    open: Callable[..., Source]
    by_name: bool = False
    older: bool = False

    def list_pictures(self, path: Path | str, earlier: bool) -> Source:
        """List a source, on demand as older builds did."""
        return self.open(path, earlier) if self.older else self.open(path)


# In the order in which they are asked; the first that recognises a path has it.
SOURCES = (
    SourceKind(digits.KIND, digits.recognises, digits.open_digits, by_name=True),
    SourceKind(tars.KIND, tars.recognises, tars.open_tars),
    SourceKind(tfds.KIND, tfds.recognises, tfds.open_tfds, by_name=True, older=True),
    SourceKind(kaggle.KIND, kaggle.recognises, kaggle.open_kaggle, older=True),
    SourceKind(lists.KIND, lists.recognises, lists.open_lists, older=True),
    SourceKind(flat.KIND, flat.recognises, flat.open_flat, older=True),
    SourceKind(tars.KIND, tars.recognises_half, tars.open_tars),  # says what is missing
    SourceKind(csv_file.KIND, csv_file.recognises, csv_file.open_csv, older=True),
    SourceKind(
        folder.CLASSES_KIND, folder.recognises_classes, folder.open_classes, older=True
    ),
    SourceKind(folder.KIND, folder.recognises, folder.open_folder, older=True),
)
KINDS = tuple(dict.fromkeys(source.kind for source in SOURCES))
AUTO = "auto"  # what a user calls it where the content is to tell the kind


def open_source(
    path_or_name: Path | str, kind: str | None = None, earlier: bool = False
) -> Source:
    """List a source's pictures and classes; no picture is read.

    Where a folder could be of several kinds, the first of `SOURCES` counts. A folder
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
    if kind is not None and kind not in KINDS:
        known = ", ".join(KINDS)
        raise DatasetError(f"Expected a source of kind {known}; got {kind!r}.")
    named = _named(name, kind)
    if named:
        return named.list_pictures(name, earlier)
    try:
        return _open_path(local_path(name), kind, earlier)
    except OSError as error:
        raise DatasetError(f"Cannot list {name}: {error.strerror}.") from None


def is_built_in(name: str, kind: str | None) -> bool:
    """Tell whether a source is known by its name: it is no path."""
    return _named(name, kind) is not None


def _named(name: str, kind: str | None) -> SourceKind | None:
    for source in SOURCES:
        if source.by_name and kind in (None, source.kind) and source.recognises(name):
            return source
    return None


def _open_path(path: Path, kind: str | None, earlier: bool) -> Source:
    _check_product(path, kind)
    source = _kind_of(path, kind)
    inner = path
    if source.kind == folder.KIND and path.is_dir() and not earlier:
        inner = unwrapped(path)
        source = _kind_of(inner, kind)
    found = source.list_pictures(inner, earlier)
    if inner == path:
        return found
    note = f"{inner} is read, the one folder of pictures in {path}."
    return replace(
        found,
        notes=(note, *found.notes),
        ignored=tuple(sorted((*found.ignored, *outside(path, inner)))),
    )


def _kind_of(path: Path, kind: str | None) -> SourceKind:
    if kind is None:
        return next(source for source in SOURCES if source.recognises(path))
    return next(source for source in SOURCES if source.kind == kind)


def _check_product(path: Path, kind: str | None) -> None:
    product = product_of(path)
    if product and not (kind in (None, tfds.KIND) and tfds.recognises(path)):
        raise DatasetError(
            f"Expected a source of pictures, {path} is {product}. Give the folder that "
            "the pictures are in."
        )
