"""Names of folders that TensorFlow cannot open."""

from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.plain_text import printable

# As fnmatch has it, by which TensorFlow looks files up: `]` means something only after
# `[`, and braces mean nothing.
_PATTERN = "*?[\\"


def check_folder_name(folder: Path | str) -> None:
    """Refuse a path that TensorFlow, which takes UTF-8, cannot be given.

    Raises:
        DatasetError: it holds bytes that are not UTF-8.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError:
        raise DatasetError(
            "Expected a folder whose path is UTF-8, as TensorFlow does, got "
            f"{printable(folder)}. Rename it."
        ) from None


def check_model_folder(folder: Path | str) -> None:
    r"""Refuse a path from which TensorFlow cannot load a SavedModel.

    It takes the path of the variables for a file pattern, so that it finds nothing or,
    worse, the variables of another model.

    Raises:
        DatasetError: the absolute path holds `*`, `?`, `[` or a backslash, or bytes
            that are not UTF-8.
    """
    path = Path(folder).absolute()
    check_folder_name(path)
    found = [character for character in _PATTERN if character in str(path)]
    if found:
        raise DatasetError(
            f"Expected a folder for a SavedModel without {' '.join(found)} in its "
            f"path, which TensorFlow takes for a file pattern, got {path}. Choose "
            "another folder, or rename this one."
        )
