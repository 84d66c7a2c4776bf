"""Files that a user asks for beside what is printed."""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from tfrecords.errors import DatasetError
from tfrecords.files import disk_error, local_path, temporary_path, write_atomically
from tfrecords.plain_text import warn


class ResultFiles:
    """Files of results: checked before the work, written after it.

    The work is never lost for want of a file: `write` and `save` note what fails, so
    that the results are printed all the same, and `close` raises it at the end.

    Args:
        paths: files to be written; None where none was asked for.

    Raises:
        DatasetError: one of them is an address, a folder, or in a folder that cannot be
            written to, or two are the same.
    """

    def __init__(self, *paths: Path | None):
        self._errors: list[str] = []
        asked = [local_path(path) for path in paths if path is not None]
        for path in asked:
            try:
                _check(path)
            except OSError as error:  # such as a name that is too long
                raise disk_error(error, path) from None
        if len({path.absolute() for path in asked}) < len(asked):
            names = ", ".join(map(str, asked))
            raise DatasetError(f"Expected a file for each of the results, got {names}.")

    def write(self, path: Path | None, data: bytes) -> None:
        """Write a file if it was asked for, whole or not at all; make its folder."""
        self.save(path, lambda path: write_atomically(path, data))

    def save(self, path: Path | None, write: Callable[[Path], object]) -> None:
        """Do as `write` does with a function that writes the file it is given."""
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write(path)
        except OSError as error:
            self._errors.append(str(disk_error(error, path)))
        except DatasetError as error:
            self._errors.append(str(error))

    def close(self) -> None:
        """Say what could not be written.

        Raises:
            DatasetError: there is such a file; the last of them is in the error, those
                before it were printed.
        """
        if self._errors:
            for text in self._errors[:-1]:
                warn(text)
            raise DatasetError(self._errors[-1])


def _check(path: Path) -> None:
    if path.is_dir():
        raise DatasetError(f"Expected a file to write, {path} is a folder.")
    if path.exists() and not path.is_file():  # such as /dev/stdout or a pipe
        return
    with suppress(FileNotFoundError, NotADirectoryError):
        os.lstat(temporary_path(path))
    check_folder(path.absolute().parent, path)


def check_folder(folder: Path, path: Path) -> None:
    """Refuse a folder that cannot be written to, or not be made.

    Args:
        folder: absolute; it need not be there.
        path: what is to be written, for the message.

    Raises:
        DatasetError: it is no folder or cannot be written to.
    """
    while not os.path.lexists(folder):  # it will be made
        folder = folder.parent
    if not folder.is_dir():
        raise DatasetError(f"Cannot write {path}: {folder} is no folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DatasetError(
            f"Cannot write {path}: {folder} cannot be written to. Choose another."
        )
