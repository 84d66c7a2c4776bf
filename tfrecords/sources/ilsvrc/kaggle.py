"""ILSVRC-2012 as Kaggle's "ImageNet Object Localization Challenge" packs it."""

import csv
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.sources.ilsvrc import facts
from tfrecords.sources.ilsvrc.flat import flat_source
from tfrecords.sources.sample import Source
from tfrecords.sources.tree import Walk, checked_folder
from tfrecords.text_file import read_text

KIND = "kaggle"
_MAPPING = "LOC_synset_mapping.txt"
_SOLUTION = "LOC_val_solution.csv"
_PICTURES = ("ILSVRC/Data/CLS-LOC", "Data/CLS-LOC")


def recognises(root: Path) -> bool:
    """Tell whether a folder holds `ILSVRC/Data/CLS-LOC`, or is its `ILSVRC`."""
    return any((root / place / "train").is_dir() for place in _PICTURES)


def open_kaggle(root: Path, earlier: bool = False) -> Source:
    """List ILSVRC/Data/CLS-LOC/{train/CLASS/PICTURE,val/PICTURE}.

    The validation labels are known without Kaggle's tables. `LOC_synset_mapping.txt`
    and `LOC_val_solution.csv`, in the folder or in the one above, are compared with
    them where they are there. The test pictures have no labels and are passed over.

    Args:
        root: the folder.
        earlier: read it as older builds did.

    Raises:
        DatasetError: a folder is missing, or a table is ill-formed or disagrees.
    """
    root = checked_folder(root)
    pictures = next((root / p for p in _PICTURES if (root / p).is_dir()), None)
    if pictures is None:
        raise DatasetError(
            f"Expected {_PICTURES[0]} in {root}, found none. Give the folder that "
            "Kaggle's archive was unpacked into."
        )
    tables = [root, root.parent] if pictures == root / _PICTURES[1] else [root]
    for folder in tables:
        if (folder / _MAPPING).is_file():
            _check_mapping(folder / _MAPPING)
        if (folder / _SOLUTION).is_file():
            _check_solution(folder / _SOLUTION)
    return flat_source(KIND, root, Walk(pictures, earlier), "sorted_wnid")


def _check_mapping(path: Path) -> None:
    names = tuple(line.split(" ", 1)[0] for line in _text(path).splitlines() if line)
    for label, known in enumerate(facts.synsets()):
        found = names[label] if label < len(names) else "nothing"
        if found != known:
            raise DatasetError(
                f"Expected {known} in line {label + 1} of {path}, found {found}. "
                "Fetch the file again."
            )


def _check_solution(path: Path) -> None:
    rows = csv.DictReader(_text(path).splitlines())
    if not {"ImageId", "PredictionString"} <= set(rows.fieldnames or ()):
        raise DatasetError(
            f"Expected columns ImageId,PredictionString in {path}, found "
            f"{rows.fieldnames}. Fetch the file again."
        )
    classes = {
        f"{row['ImageId']}.JPEG": (row["PredictionString"] or "").partition(" ")[0]
        for row in rows
    }
    facts.check_validation(classes, str(path))


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except (OSError, ValueError) as error:
        raise DatasetError(f"Cannot read {path}: {error}. Fetch it again.") from None
