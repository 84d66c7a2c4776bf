"""Several valid labels of a picture: what else is seen in it (Beyer et al. 2020)."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from keras_alexnet.evaluation.class_lookup import ClassLookup
from keras_alexnet.evaluation.guesses import Guesses
from keras_alexnet.evaluation.intervals import wilson_interval
from tfrecords.errors import UserError
from tfrecords.text_file import read_text

_ILSVRC = re.compile(r"ILSVRC2012_val_(\d{8})\.\w+")
ILSVRC_PICTURES = 50_000  # of its validation set


def read_valid_labels(
    path: Path, names: Sequence[str], classes: ClassLookup
) -> list[frozenset[int]]:
    """Read which labels are valid for each picture.

    The file is JSON: a list with a list of labels for each picture in order of file
    name, as `real.json` of Beyer et al. is for ILSVRC-2012's validation pictures; or
    an object with a list for each file name, with or without its folders. An empty list
    leaves a picture out. Of a part of ILSVRC-2012's pictures the whole `real.json`
    serves too, by the numbers in their names.

    Args:
        path: The file.
        names: Of the pictures in the order of their records, folders and all.
        classes: Those of the dataset.

    Returns:
        For each picture in that order, its labels.

    Raises:
        UserError: The file is no such JSON, has too many or too few pictures, names a
            picture or a class that is not there, or leaves all pictures out.
    """
    try:
        document = json.loads(read_text(path))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    except ValueError as error:
        raise UserError(f"Expected JSON in {path}, found none: {error}.") from None
    if isinstance(document, list):
        given = _by_order(document, names, path)
    elif isinstance(document, dict):
        given = _by_name(document, names, path)
    else:
        raise UserError(
            f"Expected a JSON list of lists of labels in {path}, or an object with "
            f"such a list for each file name, got {type(document).__name__}."
        )
    found = [
        _labels(each, classes, f"{path}, {name}")
        for each, name in zip(given, names, strict=True)
    ]
    if not any(found):
        raise UserError(f"Expected a valid label of some picture in {path}, got none.")
    return found


def multi_label_error(
    guesses: Guesses, valid: Sequence[frozenset[int]]
) -> dict[str, Any]:
    """Count the pictures whose first guess is not among their valid labels.

    Args:
        guesses: Of the pictures.
        valid: Labels of each, some of them not empty.

    Returns:
        `top1_error` of those that have any, their number `images`, Wilson's 95 %
        `interval`, and the number of those `left_out`.
    """
    pairs = zip(guesses.first.tolist(), valid, strict=True)
    judged = [guess not in labels for guess, labels in pairs if labels]
    return {
        "top1_error": sum(judged) / len(judged),
        "images": len(judged),
        "interval": list(wilson_interval(sum(judged), len(judged))),
        "left_out": len(valid) - len(judged),
    }


def _by_order(rows: list[Any], names: Sequence[str], path: Path) -> list[Any]:
    bases = [_base(name) for name in names]
    numbers = [_ILSVRC.fullmatch(base) for base in bases]
    if len(rows) == ILSVRC_PICTURES and all(numbers):
        return [rows[int(number[1]) - 1] for number in numbers if number]
    if len(rows) != len(names):
        raise UserError(
            f"Expected a list of labels for each of {len(names):,} pictures in {path}, "
            f"in order of file name; got {len(rows):,}. Give the split that it is of."
        )
    twice = [base for base, times in Counter(bases).items() if times > 1]
    if twice:
        raise UserError(
            "Expected pictures of different file names, whose order a list follows; "
            f"{twice[0]!r} is there several times. In {path} give a JSON object with "
            f"their whole names, such as {names[bases.index(twice[0])]!r}."
        )
    place = {base: index for index, base in enumerate(sorted(bases))}
    return [rows[place[base]] for base in bases]


def _by_name(rows: dict[str, Any], names: Sequence[str], path: Path) -> list[Any]:
    times = Counter(map(_base, names))
    keys = []
    for name in names:
        base = _base(name)
        fits = [each for each in (name, base) if each in rows]
        if not fits or (fits[0] != name and times[base] > 1):
            raise UserError(
                f"Expected a list of labels for every picture in {path}, found none "
                f"for {name!r}. Give it one; an empty one leaves it out."
            )
        keys.append(fits[0])
    unknown = rows.keys() - {*keys}
    if unknown:
        raise UserError(
            f"Expected names of the {len(names):,} pictures of the split in {path}, "
            f"got {len(unknown):,} others, such as {min(unknown)!r}. Leave them out."
        )
    return [rows[key] for key in keys]


def _base(name: str) -> str:
    return name.rpartition("/")[2]


def _labels(given: Any, classes: ClassLookup, where: str) -> frozenset[int]:
    if not isinstance(given, list):
        raise UserError(f"Expected a list of labels in {where}, got {given!r}.")
    return frozenset(classes.label(each, where) for each in given)
