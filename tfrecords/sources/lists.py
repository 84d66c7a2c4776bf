"""Text files of lines `path label`, as Caffe and MLPerf use them."""

import os
import posixpath
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from tfrecords.dataset.labels import class_order, numbered, order_name
from tfrecords.errors import DatasetError
from tfrecords.plain_text import printable
from tfrecords.sources.folder import class_samples
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.listed_path import is_passed_over, listed_path
from tfrecords.sources.sample import Ignored, Sample, Source, in_order
from tfrecords.sources.split_names import split_of
from tfrecords.sources.tree import (
    SYSTEM_FILE,
    Walk,
    checked_folder,
    dataset_name,
    file_size,
    has_folders,
)
from tfrecords.text_file import read_text

KIND = "list"
_NAMES = {
    "train": ("train.txt", "train_map.txt"),
    "validation": ("val.txt", "val_map.txt", "validation.txt"),
}
_LONGEST_LINE = 10_000  # bytes
_TRIED = 100  # entries, to find the folder that paths start from
_Entries = list[tuple[str, int]]  # path, number


def recognises(path: Path) -> bool:
    """Tell whether it is a `.txt` file, or a folder whose pictures are listed.

    A training list will do; a validation list counts where train has class folders
    and val has none.
    """
    if not path.is_dir():
        return path.suffix == ".txt" and path.is_file()
    if _find(path, "train"):
        return True
    return bool(
        _find(path, "validation")
        and any(has_folders(folder) for folder in _folders(path, "train"))
        and not any(has_folders(folder) for folder in _folders(path, "validation"))
    )


def open_lists(path: Path, earlier: bool = False) -> Source:
    """List the pictures that `train.txt` and `val.txt` (or `val_map.txt`) name.

    Paths start from the list's folder or from its `train` or `val`. Labels are
    0-based. Where each number is one class folder the class is called by it and the
    numbers are converted to the sorted order of the names; else numbers 0 to 999
    with ILSVRC's validation pictures are its sorted synsets; else the numbers are the
    names. A picture that is not there is kept, for the build to reject by name.
    Without a training list, training pictures are those of `train`'s class folders.

    Args:
        path: the folder of the lists, or one of them.
        earlier: read it as older builds did.

    Raises:
        DatasetError: a list is ill-formed, its pictures are nowhere, or its labels
            disagree with ILSVRC-2012's.
    """
    root = checked_folder(path.parent if path.is_file() else path)
    walk = Walk(root, earlier)
    ignored = walk.ignored
    train, validation = _find(root, "train"), _find(root, "validation")
    entries = _read(train, "train", walk) if train else _from_folders(walk)
    answers = _read(validation, "validation", walk) if validation else []
    names = _class_names(entries, answers, train or root)
    labels = tuple(names) if _are_numbers(names) else class_order(names, earlier)
    samples = list(_samples(root, train, "train", entries, names, labels, ignored))
    if validation:
        samples += _samples(
            root, validation, "validation", answers, names, labels, ignored
        )
    complete = labels == facts.synsets()
    if complete:
        _check(answers, names, str(validation))
    return Source(
        kind=KIND,
        name=facts.NAME if complete else dataset_name(root),
        location=str(root),
        labels=labels,
        samples=in_order(samples),
        ignored=tuple(sorted(ignored)),
        validation_fraction=0.0 if validation else 0.1,
        words=facts.words_of(labels),
        label_order=_order(names, labels, train),
        notes=facts.missing(len(entries), len(answers)) if complete else (),
    )


def _folders(root: Path, split: str) -> list[Path]:
    found = Walk(root).folders(root)
    return [Path(entry.path) for entry in found if split_of(entry.name) == split]


def _find(root: Path, split: str) -> Path | None:
    for folder in (root, *_folders(root, split)):
        for name in _NAMES[split]:
            if (folder / name).is_file() and _starts_as_list(folder / name):
                return folder / name
    return None


def _starts_as_list(path: Path) -> bool:
    words = read_text(path, _LONGEST_LINE).partition("\n")[0].split()
    return len(words) > 1 and words[-1].isdecimal()


def _read(path: Path, split: str, walk: Walk) -> _Entries:
    entries = []
    bases = (path.parent, walk.root, *_folders(walk.root, split))
    for place, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        text, _, number = line.rstrip().rpartition(" ")
        name = listed_path(text, *bases)
        if name is None or not (number.isascii() and number.isdecimal()):
            raise DatasetError(
                f"Expected 'path label' in line {place} of {path}, a path in the "
                f"list's folder and a number from 0; found '{printable(line.strip())}'."
                " Mend the line."
            )
        if not walk.earlier and is_passed_over(name):
            walk.ignored.append(Ignored(name, SYSTEM_FILE))
        else:
            entries.append((name, int(number)))
    return entries


def _from_folders(walk: Walk) -> _Entries:
    root = walk.root
    folders = _folders(root, "train")
    if not folders:
        raise DatasetError(
            f"Expected train.txt, or a train folder with one folder per class, in "
            f"{root}; found neither. Lines are 'path label'."
        )
    classes = walk.classes(folders[0])
    return [
        (path, label)
        for label, name in enumerate(class_order(classes, walk.earlier))
        for path, _ in classes[name]
    ]


def _class_names(entries: _Entries, answers: _Entries, where: Path) -> dict[str, int]:
    folders = {(posixpath.basename(posixpath.dirname(p)), n) for p, n in entries}
    numbers = {number for _, number in folders}
    names = dict(folders)
    if len(folders) == len(numbers) == len(names) and "" not in names:
        return names
    order = numbered((number for _, number in (*entries, *answers)), str(where))
    synsets = facts.synsets()
    if len(order) == len(synsets) and any(_is_official(p) for p, _ in answers):
        order = synsets
    return {name: number for number, name in enumerate(order)}


def _are_numbers(names: dict[str, int]) -> bool:
    return all(name == str(number) for name, number in names.items())


def _is_official(path: str) -> bool:
    return facts.validation_number(posixpath.basename(path)) is not None


def _samples(
    root: Path,
    listed_in: Path | None,
    split: str,
    entries: _Entries,
    names: dict[str, int],
    labels: tuple[str, ...],
    ignored: list[Ignored],
) -> Iterator[Sample]:
    base = _base(root, listed_in, split, entries) if listed_in else root
    places = {name: label for label, name in enumerate(labels)}
    by_number = {number: name for name, number in names.items()}
    for path, number in entries:
        name = by_number.get(number)
        if name is None:
            raise DatasetError(
                f"Expected labels of the training pictures in {listed_in}, found "
                f"{number} ({path}). Mend the list."
            )
        size = file_size(base / path)
        if size is None:
            ignored.append(Ignored(path, "not a regular file"))
            continue
        inside = os.path.relpath(base / path, root).replace(os.sep, "/")
        yield from class_samples(root, split, name, places[name], [(inside, size)])


def _base(root: Path, listed_in: Path, split: str, entries: _Entries) -> Path:
    tried = list(dict.fromkeys((listed_in.parent, root, *_folders(root, split))))
    found = [_count_there(base, islice(entries, _TRIED)) for base in tried]
    if not max(found):
        raise DatasetError(
            f"Expected the pictures of {listed_in} below {tried[0]} or its {split} "
            f"folder; {entries[0][0] if entries else 'any picture'} is in neither. Put "
            "the list where its paths start."
        )
    return tried[found.index(max(found))]


def _count_there(base: Path, entries: Iterable[tuple[str, int]]) -> int:
    return sum((base / path).is_file() for path, _ in entries)


def _check(answers: _Entries, names: dict[str, int], where: str) -> None:
    by_number = {number: name for name, number in names.items()}
    facts.check_validation(
        {posixpath.basename(p): by_number[n] for p, n in answers if _is_official(p)},
        where,
    )


def _order(names: dict[str, int], labels: tuple[str, ...], train: Path | None) -> str:
    if _are_numbers(names):
        return "numbers"
    order = order_name(labels)
    if all(names[name] == label for label, name in enumerate(labels)):
        return order
    return f"numbers of {train.name if train else 'train'}, converted to {order}"
