"""A CSV file with columns path, label and, if there are splits, split."""

import csv
import io
import os
from collections.abc import Iterator
from pathlib import Path

from tfrecords.dataset.labels import numbered, one_form, sorted_order, whole_number
from tfrecords.errors import DatasetError
from tfrecords.plain_text import printable
from tfrecords.sources.folder import class_samples
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.listed_path import is_passed_over, listed_path
from tfrecords.sources.sample import Ignored, Sample, Source, in_order
from tfrecords.sources.split_names import split_of
from tfrecords.sources.tree import SYSTEM_FILE, dataset_name, file_size
from tfrecords.text_file import is_utf8, read_text

KIND = "csv"
_SNIFFED = 4096  # characters of the file that tell its delimiter
_DELIMITERS = ",;\t|"
_Row = tuple[str, str, str | None]  # path, label, split


def recognises(path: Path) -> bool:
    """Tell whether a path is a file that is called a CSV file."""
    return path.suffix.lower() in (".csv", ".tsv") and path.is_file()


def open_csv(path: Path, earlier: bool = False) -> Source:
    """List the pictures that a CSV file names.

    The first line names the columns: `path`, relative to the file's folder or
    absolute below it, `label`, a name or a number from 0, and optionally `split`. The
    delimiter is a comma, semicolon, tab or bar. A picture that is not there is kept,
    for the build to reject by name.

    Args:
        path: the file.
        earlier: read it as older builds did.

    Raises:
        DatasetError: no such file, a column or value is missing or ill-formed, or no
            picture is there.
    """
    if not path.is_file():
        raise DatasetError(f"Expected a CSV file, {path} is none.")
    path = path.resolve()
    rows = list(_rows(path))
    if not rows:
        raise DatasetError(f"Expected a line for each picture in {path}, found none.")
    names = _class_names({label for _, label, _ in rows}, path, earlier)
    labels, order = sorted_order(names.values(), earlier)
    ignored: list[Ignored] = []
    places = {label: labels.index(name) for label, name in names.items()}
    samples = list(_samples(path.parent, rows, places, labels, ignored, earlier))
    if not any(sample.size for sample in samples):
        raise DatasetError(
            f"Expected the pictures of {path} in {path.parent}, not one is there. "
            "Paths start from the file's folder."
        )
    return Source(
        kind=KIND,
        name=dataset_name(path.with_suffix("")),
        location=str(path),
        labels=labels,
        samples=in_order(samples),
        ignored=tuple(sorted(ignored)),
        validation_fraction=0.1 if rows[0][2] is None else 0.0,
        words=facts.words_of(labels),
        label_order=order,
    )


def _rows(path: Path) -> Iterator[_Row]:
    try:
        text = read_text(path)
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
    text, label = ((row[c] or "").strip() for c in ("path", "label"))
    name = listed_path(text, path.parent)
    if name is None or not label:
        raise DatasetError(
            f"Expected a path in the folder of the file and a label in line {line} of "
            f"{path}, found '{printable(text)}' and '{printable(label)}'. Mend the "
            "line, or move the file to a folder above the pictures."
        )
    _check_encoding(name, label, path, line)
    if "split" not in row:
        return name, label, None
    split = split_of((row["split"] or "").strip())
    if split is None:
        raise DatasetError(
            f"Expected split train, val or test in line {line} of {path}, found "
            f"{row['split']!r}. Mend the line."
        )
    return name, label, split


def _check_encoding(name: str, label: str, path: Path, line: int) -> None:
    # A file's name may be of any bytes; if so the table holds the same bytes.
    for text in (label, name):
        if not is_utf8(text) and not os.path.lexists(path.parent / text):
            raise DatasetError(
                f"Expected UTF-8 in line {line} of {path}, found '{printable(text)}'. "
                "Save it as UTF-8."
            )


def _class_names(found: set[str], path: Path, earlier: bool) -> dict[str, str]:
    """Map what stands in the column of labels to names of classes."""
    if all(label.isascii() and label.isdecimal() for label in found):
        numbered(map(int, found), str(path))
        return {label: str(int(label)) for label in found}
    if earlier:
        return {label: label for label in found}
    whole = {label: whole_number(label) for label in found}
    if all(whole.values()):  # as tables write whole numbers beside missing ones: 3.0
        return {label: name for label, name in whole.items() if name}
    return one_form(found)


def _samples(root, rows, places, labels, ignored, earlier) -> Iterator[Sample]:
    for name, label, split in rows:
        size = file_size(root / name)
        if not earlier and is_passed_over(name):
            ignored.append(Ignored(name, SYSTEM_FILE))
        elif size is None:
            ignored.append(Ignored(name, "not a regular file"))
        else:
            place = places[label]
            yield from class_samples(root, split, labels[place], place, [(name, size)])
