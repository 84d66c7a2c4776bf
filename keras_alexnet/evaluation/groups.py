"""Errors between groups of classes, such as dogs and vehicles."""

import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from keras_alexnet.evaluation.class_lookup import ClassLookup
from keras_alexnet.evaluation.intervals import wilson_interval
from keras_alexnet.evaluation.pairs import likeliest_confusion
from tfrecords.errors import UserError
from tfrecords.text_file import read_text


def read_groups(path: Path, classes: ClassLookup) -> list[str]:
    """Read the group of each class.

    The file is a CSV of two columns, class and group, or with the suffix .json an
    object of classes and groups. Classes go by name, WordNet id or number; names that
    are none of the dataset's, as in a heading or a list of more classes, are passed
    over.

    Args:
        path: The file.
        classes: Those of the dataset.

    Returns:
        Names of the groups, in label order of the classes.

    Raises:
        UserError: The file is no such table, a class has no group or two, or there is
            no class of such a number.
    """
    try:
        text = read_text(path)
        rows = list(_of_json(text) if path.suffix.lower() == ".json" else _of_csv(text))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from None
    except (ValueError, csv.Error) as error:
        raise UserError(
            f"Expected a class and its group in each line of {path}, as CSV, or with "
            f"the suffix .json an object of classes and groups: {error}."
        ) from None
    found: dict[int, str] = {}
    for name, group in rows:
        label = classes.find(name)
        if label is None and name.isdecimal():
            classes.label(name, str(path))  # raises
        if label is not None and found.setdefault(label, group) != group:
            raise UserError(
                f"Expected one group for each class in {path}, got {found[label]!r} "
                f"and {group!r} for {name!r}."
            )
    missing = [n for label, n in enumerate(classes.labels) if label not in found]
    if missing:
        more = f" and {len(missing) - 10:,} more" if len(missing) > 10 else ""
        raise UserError(
            f"Expected a group for every class in {path}, found none for "
            f"{', '.join(missing[:10])}{more}."
        )
    return [found[label] for label in range(len(classes.labels))]


def group_errors(confusion: np.ndarray, groups: Sequence[str]) -> dict[str, Any]:
    """Count the pictures whose first guess is of another group than their label.

    Nothing is summed but pictures: the guess is the likeliest class, whose group may
    be another than the one whose probabilities add up to most.

    Args:
        confusion: int64 `(classes, classes)`; row: true class, column: first guess.
        groups: Of each class.

    Returns:
        `top1_error`, `images`, Wilson's 95 % `interval`; `groups`, by name, with the
        number of their `classes`, the same figures, and which group they are
        `taken_for` most often; and the `confusion` of groups in this order.
    """
    names = sorted({*groups})
    member = np.array([[group == name for group in groups] for name in names], np.int64)
    between = member @ confusion @ member.T
    rows = []
    for index, name in enumerate(names):
        other, times = likeliest_confusion(between, index)
        rows.append(
            {
                "group": name,
                "classes": int(member[index].sum()),
                **_error(int(between[index, index]), int(between[index].sum())),
                "taken_for": names[other] if times else "",
                "times": times,
            }
        )
    return {
        **_error(int(np.trace(between)), int(between.sum())),
        "groups": rows,
        "confusion": between.tolist(),
    }


def _error(hits: int, images: int) -> dict[str, Any]:
    """Return the figures of a group; error and interval are None without pictures."""
    return {
        "top1_error": 1 - hits / images if images else None,
        "images": images,
        "interval": list(wilson_interval(images - hits, images)) if images else None,
    }


def _of_json(text: str) -> Iterator[tuple[str, str]]:
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError(f"found {type(document).__name__}")
    for name, group in document.items():
        yield _row(name, group, f"class {name!r}")


def _of_csv(text: str) -> Iterator[tuple[str, str]]:
    reader = csv.reader(text.splitlines())
    for cells in reader:
        if not cells:
            continue
        if len(cells) != 2:
            raise ValueError(f"line {reader.line_num} has {len(cells)} columns")
        yield _row(cells[0], cells[1], f"line {reader.line_num}")


def _row(name: str, group: Any, where: str) -> tuple[str, str]:
    if not isinstance(group, str) or not group.strip():
        raise ValueError(f"the group of {where} is {group!r}")
    return name.strip(), group.strip()
