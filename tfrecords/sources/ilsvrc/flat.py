"""ILSVRC-2012 as its tars unpack: training class folders, validation in one folder."""

import os
from pathlib import Path

from tfrecords.dataset.labels import class_order
from tfrecords.errors import DatasetError
from tfrecords.sources.folder import class_samples
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.ilsvrc.devkit import check_devkit, find_devkit
from tfrecords.sources.ilsvrc.validation import (
    check_training_classes,
    shortfall,
    validation_samples,
)
from tfrecords.sources.layout import find_splits
from tfrecords.sources.sample import FileOrigin, Ignored, Source, in_order
from tfrecords.sources.split_names import split_of
from tfrecords.sources.tree import (
    UNLABELLED,
    Walk,
    checked_folder,
    dataset_name,
    has_folders,
)

KIND = "flat"
DEVKIT_ORDER = "devkit ids, converted to sorted_wnid"


def recognises(root: Path) -> bool:
    """Tell whether a folder has class folders in train and ILSVRC's files in val."""
    if not root.is_dir():
        return False
    found = {split_of(entry.name): entry.path for entry in Walk(root).folders(root)}
    if not {"train", "validation"} <= set(found) or not has_folders(
        Path(found["train"])
    ):
        return False
    with os.scandir(found["validation"]) as entries:
        return any(facts.validation_number(entry.name) for entry in entries)


def open_flat(root: Path, earlier: bool = False) -> Source:
    """List train/CLASS/PICTURE and val/ILSVRC2012_val_NNNNNNNN.JPEG.

    The validation labels are known without the devkit. Where it lies in the folder,
    as `ILSVRC2012_devkit_t12.tar.gz` or unpacked, they are compared with it.

    Args:
        root: the folder.
        earlier: read it as older builds did.

    Raises:
        DatasetError: a folder is missing, a class is none of ILSVRC-2012's, or the
            devkit is damaged or disagrees.
    """
    root = checked_folder(root)
    devkit = find_devkit(root)
    if devkit:
        check_devkit(devkit)
    order = DEVKIT_ORDER if devkit else "sorted_wnid"
    return flat_source(KIND, root, Walk(root, earlier), order, devkit)


def flat_source(
    kind: str, location: Path, walk: Walk, order: str, read: Path | None = None
) -> Source:
    """List ILSVRC-2012 with validation pictures in one folder.

    Args:
        kind: kind of the source.
        location: what the user named.
        walk: of the folder that holds `train` and `val`.
        order: what the labels were converted from.
        read: a file of labels in that folder that has been read, so is not passed over.

    Raises:
        DatasetError: a folder is missing, or a class is none of ILSVRC-2012's.
    """
    root, ignored = walk.root, walk.ignored
    splits = find_splits(walk)
    if not {"train", "validation"} <= set(splits):
        raise DatasetError(
            f"Expected {root / 'train'}/CLASS/ and {root / 'val'}/ with ILSVRC-2012's "
            "pictures, found not both. Give the folder that holds them."
        )
    if "test" in splits:
        ignored.append(Ignored(f"{splits['test'].name}/", UNLABELLED))
    classes = walk.classes(splits["train"])
    check_training_classes(classes, str(splits["train"]))
    labels = class_order(classes)
    places = {name: label for label, name in enumerate(labels)}
    samples = [
        sample
        for name, files in classes.items()
        for sample in class_samples(root, "train", name, places[name], files)
    ]
    found = (
        (path, size, FileOrigin(str(root), path))
        for path, size in walk.flat(splits["validation"])
    )
    samples += validation_samples(found, places, ignored)
    return Source(
        kind=kind,
        name=facts.NAME if labels == facts.synsets() else dataset_name(location),
        location=str(location),
        labels=labels,
        samples=in_order(samples),
        ignored=tuple(sorted(i for i in ignored if not _was_read(root, i, read))),
        words=facts.words_of(labels),
        label_order=order,
        notes=shortfall(samples, labels),
    )


def _was_read(root: Path, ignored: Ignored, read: Path | None) -> bool:
    return read is not None and (root / ignored.file) in (read, *read.parents)
