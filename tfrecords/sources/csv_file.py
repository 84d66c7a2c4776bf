"""A CSV file with columns path, label and, if there are splits, split."""

import csv
import io
import os
import posixpath
from collections.abc import Iterator
from pathlib import Path

from tfrecords import imagenet
from tfrecords.errors import DatasetError
from tfrecords.labels import numbered, sorted_order
from tfrecords.sources.folder import class_samples
from tfrecords.sources.sample import Ignored, Sample, Source, in_order
from tfrecords.sources.tree import SPLIT_FOLDERS, dataset_name, file_size

_SNIFFED = 4096  # characters of the file that tell its delimiter
_DELIMITERS = ",;\t|"
_Row = tuple[str, str, str | None]  # path, label, split


def is_csv(path: Path) -> bool:
    """Tell whether a path is a file that is called a CSV file."""
    return path.suffix.lower() in (".csv", ".tsv") and path.is_file()


def open_csv(path: Path) -> Source:
    """List the pictures that a CSV file names.

    The first line names the columns: `path`, relative to the file's folder, `label`,
    a name or a number from 0, and optionally `split`. The delimiter is a comma,
    semicolon, tab or bar. A picture that is not there is kept, for the build to
    reject by name.

    Raises:
        DatasetError: no such file, a column or value is missing or ill-formed, or no
            picture is there.
    """
    if not path.is_file():
        raise DatasetError(f"Expected a CSV file, {path} is none.")
    path = path.resolve()
    rows = list(_rows(path))
    labels, order = _labels([label for _, label, _ in rows], path)
    ignored: list[Ignored] = []
    samples = list(_samples(path, rows, labels, ignored))
    if not any(sample.size for sample in samples):
        raise DatasetError(
            f"Expected the pictures of {path} in {path.parent}, not one is there. "
            "Paths start from the file's folder."
        )
    return Source(
        kind="csv",
        name=dataset_name(path.with_suffix("")),
        location=str(path),
        labels=labels,
        samples=in_order(samples),
        ignored=tuple(sorted(ignored)),
        validation_fraction=0.1 if rows[0][2] is None else 0.0,
        words=imagenet.words_of(labels),
        label_order=order,
    )


def _rows(path: Path) -> Iterator[_Row]:
    try:
        text = path.read_text("utf-8-sig")
        first = text.partition("\n")[0]
        reader = csv.DictReader(io.StringIO(text), delimiter=_delimiter(first))
        header = [name.strip().lower() for name in reader.fieldnames or ()]
        if not {"path", "label"} <= set(header):
            raise DatasetError(
                f"Expected columns path and label in the first line of {path}, found "
                f"{', '.join(header) or 'nothing'}. Add a header."
            )
        reader.fieldnames = header
        for row in reader:
            yield _checked(row, path, reader.line_num)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"Cannot read {path}: {error}. Save it as UTF-8.") from None


def _delimiter(header: str) -> str:
    try:
        return csv.Sniffer().sniff(header[:_SNIFFED], _DELIMITERS).delimiter
    except csv.Error:
        return ","


def _checked(row: dict, path: Path, line: int) -> _Row:
    name, label = ((row[c] or "").strip() for c in ("path", "label"))
    name = posixpath.normpath(name.replace(os.sep, "/")) if name else ""
    if not name or not label or name.startswith(("/", "../")):
        raise DatasetError(
            f"Expected a relative path and a label in line {line} of {path}, found "
            f"{row['path']!r} and {row['label']!r}. Mend the line."
        )
    if "split" not in row:
        return name, label, None
    split = SPLIT_FOLDERS.get((row["split"] or "").strip().lower())
    if split is None:
        raise DatasetError(
            f"Expected split train, val or test in line {line} of {path}, found "
            f"{row['split']!r}. Mend the line."
        )
    return name, label, split


def _labels(found: list[str], path: Path) -> tuple[tuple[str, ...], str]:
    if not found:
        raise DatasetError(f"Expected a line for each picture in {path}, found none.")
    if all(label.isascii() and label.isdecimal() for label in found):
        return numbered(map(int, found), str(path)), "numbers"
    return sorted_order(found)


def _samples(path: Path, rows, labels, ignored: list[Ignored]) -> Iterator[Sample]:
    root = path.parent
    places = {name: label for label, name in enumerate(labels)}
    for name, label, split in rows:
        size = file_size(root / name)
        if size is None:
            ignored.append(Ignored(name, "not a regular file"))
            continue
        place = places[label] if label in places else int(label)  # such as 007
        yield from class_samples(root, split, labels[place], place, [(name, size)])
