"""ILSVRC-2012's official tars as downloaded, read in place."""

from collections.abc import Iterator
from pathlib import Path

from tfrecords.dataset.labels import class_order, synset
from tfrecords.errors import DatasetError
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.ilsvrc.devkit import check_devkit, find_devkit
from tfrecords.sources.ilsvrc.flat import DEVKIT_ORDER
from tfrecords.sources.ilsvrc.tar_headers import Member, TarHeaders
from tfrecords.sources.ilsvrc.validation import (
    check_training_classes,
    shortfall,
    validation_samples,
)
from tfrecords.sources.sample import (
    Ignored,
    RangeOrigin,
    Sample,
    Source,
    in_order,
)
from tfrecords.sources.system_names import is_hidden
from tfrecords.sources.tree import UNLABELLED, has_folders, sorted_entries

KIND = "tar"
TRAIN_TAR = "ILSVRC2012_img_train.tar"
VALIDATION_TAR = "ILSVRC2012_img_val.tar"
_TEST_TAR = "ILSVRC2012_img_test"


def recognises(path: Path) -> bool:
    """Tell whether it is a `.tar` file, or a folder with both tars."""
    if not path.is_dir():
        return path.suffix == ".tar" and path.is_file()
    return all(_tars(path))


def recognises_half(path: Path) -> bool:
    """Tell whether a folder has one of the tars and no training pictures beside it."""
    train = path / "train"
    return any(_tars(path)) and not (train.is_dir() and has_folders(train))


def _tars(root: Path) -> list[bool]:
    return [(root / name).is_file() for name in (TRAIN_TAR, VALIDATION_TAR)]


def open_tars(path: Path) -> Source:
    """List the pictures in the official tars; nothing is unpacked.

    A folder must hold both tars; the devkit's `.tar.gz` is compared with the labels
    where it is there. The training tar itself, as the source, gives training pictures
    alone, of which the plan holds a tenth of each class back for validation.

    Raises:
        DatasetError: a tar is missing, damaged or cut short, or has other classes.
    """
    path = path.resolve()
    if path.is_dir():
        return _open_both(path)
    if path.name == VALIDATION_TAR:
        raise DatasetError(
            f"Expected training pictures, {path.name} has none. Give the folder that "
            f"holds it and {TRAIN_TAR}: {path.parent}."
        )
    if not path.is_file():
        raise DatasetError(
            f"Expected a tar or a folder with tars, {path} is not there."
        )
    return _open_training(path)


def _open_both(root: Path) -> Source:
    for name in (TRAIN_TAR, VALIDATION_TAR):
        if not (root / name).is_file():
            raise _missing(root, name)
    devkit = find_devkit(root)
    if devkit:
        check_devkit(devkit)
    ignored = list(_other_files(root, devkit))
    labels, samples = _training(root / TRAIN_TAR, "train", ignored)
    places = {name: label for label, name in enumerate(labels)}
    samples += _validation(root / VALIDATION_TAR, places, ignored)
    notes = shortfall(samples, labels)
    order = DEVKIT_ORDER if devkit else "sorted_wnid"
    return _source(root, labels, samples, ignored, order, notes)


def _open_training(path: Path) -> Source:
    ignored: list[Ignored] = []
    labels, samples = _training(path, None, ignored)
    note = f"Only {path.name} is read; give its folder to read {VALIDATION_TAR} too."
    return _source(path, labels, samples, ignored, "sorted_wnid", (note,), 0.1)


def _source(path, labels, samples, ignored, order, notes, fraction=0.0) -> Source:
    return Source(
        kind=KIND,
        name=facts.NAME,
        location=str(path),
        labels=labels,
        samples=in_order(samples),
        ignored=tuple(sorted(ignored)),
        validation_fraction=fraction,
        words=facts.words_of(labels),
        label_order=order,
        notes=notes,
    )


def _missing(root: Path, name: str) -> DatasetError:
    alone = f" For training pictures alone, give {root / TRAIN_TAR} as the source."
    return DatasetError(
        f"Expected {TRAIN_TAR} and {VALIDATION_TAR} in {root}, {name} is missing. Put "
        f"it there.{alone if name == VALIDATION_TAR else ''}"
    )


def _other_files(root: Path, devkit: Path | None) -> Iterator[Ignored]:
    read = {TRAIN_TAR, VALIDATION_TAR}
    for entry in sorted_entries(root):
        if entry.name in read or (
            devkit and Path(entry.path) in (devkit, *devkit.parents)
        ):
            continue
        test = entry.name.startswith(_TEST_TAR)
        name = f"{entry.name}/" if entry.is_dir() else entry.name
        yield Ignored(name, UNLABELLED if test else "none of the tars")


def _training(
    path: Path, split: str | None, ignored: list[Ignored]
) -> tuple[tuple[str, ...], list[Sample]]:
    outer = TarHeaders(path)
    inner: dict[str, Member] = {}
    for member in outer.members():
        name = member.name.removesuffix(".tar").rpartition("/")[2]
        if not synset(name) or not member.name.endswith(".tar"):
            ignored.append(Ignored(f"{path.name}/{member.name}", "not a class's tar"))
        elif name in inner:
            raise DatasetError(f"Expected {name}.tar once in {path}, found it twice.")
        else:
            inner[name] = member
    ignored += outer.ignored
    check_training_classes(inner, str(path))
    labels = class_order(inner)
    samples: list[Sample] = []
    for label, name in enumerate(labels):
        before = len(samples)
        samples += _class_samples(path, inner[name], label, split, ignored)
        if len(samples) == before:
            raise DatasetError(
                f"Expected pictures in {name}.tar of {path}, found none."
            )
    if not samples:
        raise DatasetError(
            f"Expected a tar of one tar per class in {path}, found none. The official "
            f"one is {TRAIN_TAR}."
        )
    return labels, samples


def _class_samples(path, within: Member, label, split, ignored) -> Iterator[Sample]:
    name = within.name.removesuffix(".tar").rpartition("/")[2]
    tar, file = TarHeaders(path, within), str(path)
    for member in tar.members():
        key = f"train/{name}/{member.name}"
        if any(map(is_hidden, member.name.split("/"))):
            ignored.append(Ignored(f"{path.name}/{key}", "of the operating system"))
        else:
            origin = RangeOrigin(file, member.offset, member.size)
            yield Sample(key, label, split, member.size, origin)
    ignored += tar.ignored


def _validation(path: Path, places: dict, ignored: list[Ignored]) -> Iterator[Sample]:
    tar, file = TarHeaders(path), str(path)
    found = (
        (m.name, m.size, RangeOrigin(file, m.offset, m.size)) for m in tar.members()
    )
    yield from validation_samples(found, places, ignored)
    ignored += tar.ignored
