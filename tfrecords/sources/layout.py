"""Where the classes of a tree begin: below wrappers, below split folders."""

import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.sources.sample import Ignored
from tfrecords.sources.split_names import split_of
from tfrecords.sources.tree import (
    UNLABELLED,
    Files,
    Walk,
    has_folders,
    has_pictures,
    sorted_entries,
)

SPLITS = ("train", "validation", "test")
AS_CLASSES = "If its folders are classes whatever their names, add --source classes."
_SHOWN = 5
_DEEPEST = 16  # wrappers in wrappers; links may lead in a circle


def unwrapped(root: Path) -> Path:
    """Look through folders that hold nothing but one folder of pictures.

    Returns:
        The first folder below that holds several folders of pictures, or split
        folders; `root` itself where it does, or where there is none.
    """
    inner = root
    for _ in range(_DEEPEST):
        some = _folders_of_pictures(inner, at_most=2)
        if len(some) != 1 or _is_split(some[0]):
            return inner if some else root
        if not has_folders(some[0]) or has_pictures(some[0], deep=False):
            return root  # it is a class
        inner = some[0]
    return root


def outside(root: Path, inner: Path) -> Iterator[Ignored]:
    """Name what lies beside a wrapped folder, by its path from there."""
    for depth, parent in enumerate(inner.parents, 1):
        if not parent.is_relative_to(root):
            break
        inside = inner.relative_to(parent).parts[0]
        for entry in sorted_entries(parent):
            if entry.name != inside:
                name = "../" * depth + entry.name
                yield Ignored(name, "beside the folder that is read")


def _folders_of_pictures(path: Path, at_most: int) -> list[Path]:
    found = (Path(entry.path) for entry in Walk(path).folders(path))
    return list(islice(filter(has_pictures, found), at_most))


def _is_split(path: Path) -> bool:
    return split_of(path.name) is not None and has_folders(path)


def find_splits(walk: Walk) -> dict[str, Path]:
    """Find the split folders of a tree; none where it is class/picture.

    Args:
        walk: of the tree; its `ignored` grows by what is in no split folder.

    Raises:
        DatasetError: it is unclear which folder is which split, or whether folders are
            splits or classes.
    """
    named = _named(walk)
    nested = {
        split: [path for path in paths if has_folders(path, walk.earlier)]
        for split, paths in named.items()
    }
    if not any(nested.values()):
        _check_flat_splits(walk, named)
        return {}
    found = {split: _one(walk.root, split, named, nested) for split in named}
    if not nested.get("train"):
        if walk.earlier or not _only_evaluates(walk, found, nested):
            raise _no_train(walk.root, found.values())
    elif not walk.earlier and not nested.get("test") and "validation" not in named:
        _check_others(walk, found)
    _ignore_others(walk, found)
    if "test" in found and not nested["test"]:
        walk.ignored.append(Ignored(f"{found.pop('test').name}/", UNLABELLED))
    found = {split: found[split] for split in SPLITS if split in found}
    return found if walk.earlier else _unwrapped_splits(found)


def _named(walk: Walk) -> dict[str, list[Path]]:
    named: dict[str, list[Path]] = {}
    for entry in walk.folders(walk.root):
        split = split_of(entry.name, walk.earlier)
        if split:
            named.setdefault(split, []).append(Path(entry.path))
    if walk.earlier:
        for split, paths in named.items():
            if len(paths) > 1:
                raise _two(walk.root, split, paths)
    return named


def _one(root: Path, split: str, named: Mapping, nested: Mapping) -> Path:
    paths = named[split]
    if split == "test" and len(nested[split]) == 1:
        return nested[split][0]  # beside pictures without labels
    if len(paths) > 1:
        raise _two(root, split, paths)
    return paths[0]


def _two(root: Path, split: str, paths: list[Path]) -> DatasetError:
    names = " and ".join(path.name for path in paths)
    return DatasetError(f"{root} has two {split} folders, {names}. Keep one.")


def _no_train(root: Path, paths) -> DatasetError:
    names = ", ".join(path.name for path in paths)
    return DatasetError(
        f"Expected a train folder with one folder per class in {root}, found "
        f"{names}. Put the training pictures into {root / 'train'}/CLASS/. "
        f"{AS_CLASSES}"
    )


def _check_flat_splits(walk: Walk, named: Mapping[str, list[Path]]) -> None:
    # "train" beside "car" is a class; "train" beside "val" is half a dataset.
    paths = [path for some in named.values() for path in some]
    if walk.earlier or len(paths) < 2:
        return
    others = {Path(entry.path) for entry in walk.folders(walk.root)} - {*paths}
    if not any(map(has_pictures, others)):
        names = ", ".join(f"{p.name} ({s})" for s, some in named.items() for p in some)
        raise DatasetError(
            f"Expected one folder per class in the split folders of {walk.root}, found "
            f"none in {names}. Arrange the pictures as SPLIT/CLASS/PICTURE. "
            f"{AS_CLASSES}"
        )


def _only_evaluates(walk: Walk, found: Mapping, nested: Mapping) -> bool:
    # Splits alone, with several classes: "test" with one folder may be anything.
    several = any(len(Walk(p).folders(p)) > 1 for s in nested for p in nested[s])
    others = _folders_of_pictures(walk.root, at_most=len(found) + 1)
    return several and "train" not in found and set(others) <= set(found.values())


def _check_others(walk: Walk, found: Mapping[str, Path]) -> None:
    # "train" alone may have been a class of trains, and what is beside it too.
    paths = (Path(entry.path) for entry in walk.folders(walk.root))
    others = (path for path in paths if path not in found.values())
    other = next(filter(has_pictures, others), None)
    if other is not None:
        raise DatasetError(
            f"Expected splits or classes in {walk.root}, found {found['train'].name}, "
            f"which reads as the training split, beside {other.name}, which reads as a "
            f"class or as a split of unknown name. Call the splits train, val and "
            f"test, or move {other.name} away. {AS_CLASSES}"
        )


def _ignore_others(walk: Walk, found: Mapping[str, Path]) -> None:
    taken = {os.fspath(path) for path in found.values()}
    for entry in sorted_entries(walk.root):
        if entry.path not in taken:
            walk.ignore(entry, "not in a split folder")


def _unwrapped_splits(found: dict[str, Path]) -> dict[str, Path]:
    """Look through the one folder that every split holds, such as train/images."""
    inner = {split: unwrapped(path) for split, path in found.items()}
    depths = {len(inner[s].relative_to(found[s]).parts) for s in found}
    return inner if len(depths) == 1 else found


def check_classes(
    path: Path, inside: str, classes: Mapping[str, Files], split: bool
) -> tuple[str, ...]:
    """Look whether class folders may be something else, by the folders in them.

    Args:
        path: the folder that holds the class folders.
        inside: its path from the tree's root, with a slash at its end; or empty.
        classes: the files of each class folder.
        split: whether the class folders lie in a split folder.

    Returns:
        Notes for the user.

    Raises:
        DatasetError: the folders in a class folder are called as splits are.
    """
    folders = {n: _first_folders(inside + n, files) for n, files in classes.items()}
    for name, some in () if split else folders.items():
        splits = {split_of(folder) for folder in some}
        if len(splits) > 1 and None not in splits:
            raise DatasetError(
                f"Expected SPLIT/CLASS/PICTURE or CLASS/PICTURE in {path}, found split "
                f"folders in {name}: {', '.join(sorted(some))}. Put the split folders "
                f"on top, or give {path / name} as the source. {AS_CLASSES}"
            )
    deep = [n for n, some in folders.items() if len(some) > 1 and "" not in some]
    if not deep:
        return ()
    shown = ", ".join(sorted(folders[deep[0]])[:_SHOWN])
    return (
        f"{len(deep):,} of {len(classes):,} class folders in {path} hold no picture "
        f"but folders, such as {deep[0]} ({shown}): whatever lies in one is of one "
        "class. If the folders in it are the classes, put them on top or below train "
        "and val.",
    )


def _first_folders(name: str, files: Files) -> set[str]:
    # The empty string stands for files that lie in the class folder itself.
    inside = (path[len(name) + 1 :] for path, _ in files)
    return {path.partition("/")[0] if "/" in path else "" for path in inside}
