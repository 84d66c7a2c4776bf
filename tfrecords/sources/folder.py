"""Pictures in folders: class/picture, or split/class/picture."""

from collections.abc import Iterator
from pathlib import Path

from tfrecords.dataset.labels import class_order, one_form, order_name
from tfrecords.errors import DatasetError
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.layout import check_classes, find_splits
from tfrecords.sources.sample import FileOrigin, Sample, Source, in_order
from tfrecords.sources.tree import Files, Walk, checked_folder, dataset_name

KIND = "folder"
CLASSES_KIND = "classes"
_UNSPLIT = ""


def recognises(path: Path) -> bool:
    """Tell that anything may be a folder of pictures: what is none is told so."""
    return True


def open_folder(root: Path, earlier: bool = False) -> Source:
    """List a tree of pictures.

    A tree with split folders of class folders is split/class/picture, any other is
    class/picture; `tfrecords.sources.split_names` has the spellings of splits. Class
    folders may have folders of their own. Every regular file in a class folder counts
    as a picture, whatever its name, except what `tfrecords.sources.tree.Walk` passes
    over. Classes that are WordNet ids get their words.

    A tree of all 1,000 classes of ILSVRC-2012 is named `imagenet2012`, its labels are
    compared with the official ones, and what is missing is noted.

    Args:
        root: the folder.
        earlier: read it as older builds did.

    Raises:
        DatasetError: no folder, no classes, an empty class, a class that is not in
            the training split, folders that may be splits or classes, or a validation
            picture of ILSVRC in a wrong class.
    """
    walk = Walk(checked_folder(root), earlier)
    splits = find_splits(walk) or {_UNSPLIT: walk.root}
    listings = {split: walk.classes(path) for split, path in splits.items()}
    if earlier:
        return _source(walk, listings)
    among = next(iter(splits))
    path = splits[among]
    inside = f"{path.relative_to(walk.root).as_posix()}/" if among else ""
    notes = check_classes(path, inside, listings[among], split=bool(among))
    return _source(walk, listings, notes)


def recognises_classes(path: Path) -> bool:
    """Tell that no folder shows by itself that its folders all are classes."""
    return False


def open_classes(root: Path, earlier: bool = False) -> Source:
    """List a tree whose folders all are classes, whatever they are called.

    Args:
        root: the folder.
        earlier: read it as older builds did.

    Raises:
        DatasetError: no folder, no classes, or an empty class.
    """
    walk = Walk(checked_folder(root), earlier)
    return _source(walk, {_UNSPLIT: walk.classes(walk.root)})


def _source(walk: Walk, listings: dict, notes: tuple[str, ...] = ()) -> Source:
    root = walk.root
    if not walk.earlier:
        listings = _in_one_form(listings)
    labels = _common_classes(listings, walk.earlier)
    complete = "train" in listings and labels == facts.synsets()
    if complete:
        _check_validation(root, listings.get("validation", {}))
        counts = {s: sum(map(len, classes.values())) for s, classes in listings.items()}
        notes += facts.missing(counts["train"], counts.get("validation", 0))
    return Source(
        kind=KIND,
        name=facts.NAME if complete else dataset_name(root),
        location=str(root),
        labels=labels,
        samples=in_order(_samples(root, listings, labels)),
        ignored=tuple(sorted(walk.ignored)),
        validation_fraction=0.1 if _UNSPLIT in listings else 0.0,
        words=facts.words_of(labels),
        label_order=order_name(labels),
        notes=notes,
    )


def _in_one_form(listings: dict) -> dict[str, dict[str, Files]]:
    forms = one_form(name for classes in listings.values() for name in classes)
    merged: dict[str, dict[str, Files]] = {}
    for split, classes in listings.items():
        merged[split] = {}
        for name, files in classes.items():
            merged[split].setdefault(forms[name], []).extend(files)
    return merged


def _common_classes(listings: dict, earlier: bool) -> tuple[str, ...]:
    among, *others = listings  # the training split, where there is one
    for split in others:
        extra = sorted(set(listings[split]) - set(listings[among]))
        if extra:
            raise DatasetError(
                f"Expected the classes of {among} in {split}, found also {extra[0]!r} "
                f"({len(extra)} such). Add it to {among} or remove it."
            )
    return class_order(listings[among], earlier)


def _check_validation(root: Path, classes: dict[str, Files]) -> None:
    names = {
        path.rpartition("/")[2]: name
        for name, files in classes.items()
        for path, _ in files
    }
    official = {n: c for n, c in names.items() if facts.validation_number(n)}
    facts.check_validation(official, str(root))


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
            key = facts.canonical_key(split, class_name, base) or path
        yield Sample(key, label, split, size, FileOrigin(folder, path))
