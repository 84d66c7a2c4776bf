"""The paths that a figure is given: networks, pictures, files of an evaluation.

TensorFlow is imported only where a network is opened, so that help needs none.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tfrecords.errors import UserError

if TYPE_CHECKING:
    from keras_alexnet.trained.network import TrainedNetwork


def only_path(paths: Sequence[Path | str], expected: str) -> Path:
    """Return the one path that a figure is drawn of.

    Raises:
        UserError: There are none or several; `expected` says what there should be.
    """
    if len(paths) != 1:
        raise UserError(
            f"Expected {expected} and nothing else, got {len(paths)} paths."
        )
    return Path(paths[0])


def load_network(path: Path | str) -> "TrainedNetwork":
    """Open a network as `keras_alexnet.load` does."""
    from keras_alexnet.trained.opening import load

    return load(path)


def network_and_pictures(
    paths: Sequence[Path | str], most: int
) -> tuple["TrainedNetwork", list[Path]]:
    """Open the network that comes first, and return it with the pictures after it.

    Args:
        paths: NETWORK PICTURE...
        most: Pictures that a figure has room for.

    Raises:
        UserError: The first is no network, another no file, or there are none or more
            than `most`.
    """
    pictures = [Path(path) for path in paths[1:]]
    if not 1 <= len(pictures) <= most:
        raise UserError(
            f"Expected a network folder and 1 to {most} picture(s), got {len(paths)} "
            "path(s)."
        )
    check_pictures_given(pictures)
    return load_network(paths[0]), pictures


def check_pictures_given(pictures: Sequence[Path]) -> None:
    """Raise UserError for a path that is no file, before a network is opened."""
    for path in pictures:
        if path.is_dir():
            raise UserError(
                f"Expected a picture, got the folder {path}. Name its files: {path}/*."
            )
        if not path.exists():
            raise UserError(f"Expected a picture, found no {path}.")


def read_evaluation(paths: Sequence[Path | str], key: str) -> dict[str, Any]:
    """Read the one file that `alexnet evaluate --json` wrote.

    Args:
        paths: The file, alone.
        key: What a figure needs of it.

    Raises:
        UserError: It is no such file, or is of an earlier release and lacks the key.
    """
    path = only_path(paths, "one JSON file of `alexnet evaluate --json`")
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise UserError(
            f"Cannot read {path}: {error.strerror}. Expected a JSON file of "
            "`alexnet evaluate --json`."
        ) from None
    except ValueError as error:
        raise UserError(
            f"Expected a JSON file of `alexnet evaluate --json`, got {path}: {error}."
        ) from None
    if not isinstance(document, dict) or key not in document:
        raise UserError(
            f"Expected {key!r} in {path}, as `alexnet evaluate NETWORK DATA --json "
            "FILE` writes it; found none. Evaluate again."
        )
    return document
