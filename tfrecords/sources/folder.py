"""Pictures in folders: class/picture, or split/class/picture."""

from collections.abc import Iterator
from pathlib import Path

from tfrecords import imagenet
from tfrecords.errors import DatasetError
from tfrecords.labels import class_order, order_name
from tfrecords.sources.sample import FileOrigin, Ignored, Sample, Source, in_order
from tfrecords.sources.tree import (
    SPLIT_FOLDERS,
    UNLABELLED,
    Files,
    checked_folder,
    dataset_name,
    has_folders,
    list_classes,
    sorted_entries,
)

_UNSPLIT = ""


def open_folder(root: Path) -> Source:
    """List a tree of pictures.

    A tree whose `train` folder holds folders is split/class/picture, any other is
    class/picture. Class folders may have folders of their own. Every regular file
    in a class folder counts as a picture, whatever its name, except dotfiles,
    `Thumbs.db` and `desktop.ini`. Classes that are WordNet ids get their words.

    A tree of all 1,000 classes of ILSVRC-2012 is named `imagenet2012`, its labels are
    compared with the official ones, and what is missing is noted.

    Raises:
        DatasetError: no folder, no classes, an empty class, a class that is not in
            the training split, or a validation picture of ILSVRC in a wrong class.
    """
    root = checked_folder(root)
    ignored: list[Ignored] = []
    splits = split_folders(root, ignored)
    if splits:
        listings = {s: list_classes(root, path, ignored) for s, path in splits.items()}
    else:
        listings = {_UNSPLIT: list_classes(root, root, ignored)}
    labels = _common_classes(listings)
    complete = bool(splits) and labels == imagenet.synsets()
    if complete:
        _check_validation(root, listings.get("validation", {}))
    counts = {s: sum(map(len, classes.values())) for s, classes in listings.items()}
    return Source(
        kind="folder",
        name=imagenet.NAME if complete else dataset_name(root),
        location=str(root),
        labels=labels,
        samples=in_order(_samples(root, listings, labels)),
        ignored=tuple(sorted(ignored)),
        validation_fraction=0.0 if splits else 0.1,
        words=imagenet.words_of(labels),
        label_order=order_name(labels),
        notes=imagenet.missing(counts["train"], counts.get("validation", 0))
        if complete
        else (),
    )


def split_folders(root: Path, ignored: list[Ignored]) -> dict[str, Path]:
    """Find the split folders of a tree; none where it is class/picture.

    Raises:
        DatasetError: two folders are the same split, or train is not there though
            another split is.
    """
    found: dict[str, Path] = {}
    others: list[Ignored] = []
    for entry in sorted_entries(root):
        split = SPLIT_FOLDERS.get(entry.name.lower())
        if split is None or not entry.is_dir():
            others.append(Ignored(entry.name, "not in a split folder"))
        elif split in found:
            names = f"{found[split].name} and {entry.name}"
            raise DatasetError(f"{root} has two {split} folders, {names}. Keep one.")
        else:
            found[split] = Path(entry.path)
    if "train" not in found or not has_folders(found["train"]):
        return _no_splits(root, found)
    ignored.extend(others)
    if "test" in found and not has_folders(found["test"]):
        ignored.append(Ignored(f"{found.pop('test').name}/", UNLABELLED))
    return {s: found[s] for s in ("train", "validation", "test") if s in found}


def _no_splits(root: Path, found: dict) -> dict[str, Path]:
    # "train" beside "car" is a class; "val" with class folders is half a dataset.
    if any(has_folders(path) for path in found.values()):
        names = ", ".join(path.name for path in found.values())
        raise DatasetError(
            f"Expected a train folder with one folder per class in {root}, found "
            f"{names}. Put the training pictures into {root / 'train'}/CLASS/."
        )
    return {}


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


def _check_validation(root: Path, classes: dict[str, Files]) -> None:
    names = {
        path.rpartition("/")[2]: name
        for name, files in classes.items()
        for path, _ in files
    }
    official = {n: c for n, c in names.items() if imagenet.validation_number(n)}
    imagenet.check_validation(official, str(root))


def _samples(root: Path, listings: dict, labels: tuple[str, ...]) -> Iterator[Sample]:
    places = {name: label for label, name in enumerate(labels)}
    for split, classes in listings.items():
        for name, files in classes.items():
            yield from class_samples(root, split or None, name, places[name], files)


def class_samples(
    root: Path, split: str | None, class_name: str, label: int, files: Files
) -> Iterator[Sample]:
    """Give the files of one class their canonical keys, where they have such.

    Args:
        root: what the files' paths start from.
        split: `train`, `validation`, `test` or None.
        class_name: name of the class.
        label: its place.
        files: path and size in bytes of each.
    """
    folder = str(root)
    for path, size in files:
        parent, _, base = path.rpartition("/")
        key = path
        if parent.rpartition("/")[2] == class_name or split == "validation":
            key = imagenet.canonical_key(split, class_name, base) or path
        yield Sample(key, label, split, size, FileOrigin(folder, path))
