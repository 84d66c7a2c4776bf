"""Files that appear under their final name only when they are whole."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote

from tfrecords.errors import DatasetError
from tfrecords.stopwatch import phase

_ADDRESS = re.compile(r"(?:tfds:)?([a-zA-Z][a-zA-Z0-9+.-]+)://")
_IN_A_PATH = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+:/")  # what a Path has of one


def refuse_address(text: str) -> None:
    """Refuse an address where a path should be.

    Raises:
        DatasetError: it is one, such as `gs://bucket/data`.
    """
    scheme = _ADDRESS.match(text)
    if scheme and scheme[1].lower() == "file":
        path = unquote(text[scheme.end() :].removeprefix("localhost"))
        raise DatasetError(f"Expected a plain path, got {text}. Give {path}.")
    if scheme:
        raise DatasetError(
            f"Expected a path on this machine, got {text}. Copy what is there to a "
            "disk or mount it, and give that path: addresses are neither read nor "
            "written."
        )


def local_path(path: Path | str) -> Path:
    """Make a path of what a user gave.

    Raises:
        DatasetError: it is an address such as `gs://bucket/data`, which is shown as it
            was given, though a `Path` has only `gs:/bucket/data` of it.
    """
    text = str(path)
    refuse_address(text)
    if _IN_A_PATH.match(text) and not Path(path).exists():
        slashes = ":///" if text.lower().startswith("file:") else "://"
        refuse_address(text.replace(":/", slashes, 1))
    return Path(path)


def write_atomically(path: Path, data: bytes) -> None:
    """Write bytes beside `path`, force them to disk, and rename.

    What is there and no file, such as a pipe or `/dev/null`, is written into. A link is
    followed, so that it stays one: `/dev/stdout` may lead to a file.

    Raises:
        OSError: the disk is full or the folder is not writable; nothing is left.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    if path.is_symlink():
        path = path.resolve()
    with staged(path) as temporary:
        temporary.write_bytes(data)


@contextmanager
def staged(path: Path, temporary: Path | None = None) -> Iterator[Path]:
    """Give a temporary path that becomes `path` when the block ends well.

    If the block raises, the temporary file is removed and `path` is untouched; an error
    of the system names `path`, which the user knows.

    Args:
        path: the final name.
        temporary: on the same disk; None means `temporary_path(path)`.
    """
    temporary = temporary or temporary_path(path)
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, path)
    except BaseException as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno is not None:
            if error.filename in (None, temporary, str(temporary)):
                raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    sync(path.parent)


def temporary_path(path: Path) -> Path:
    """Name the unfinished form of a file: hidden, in the same folder."""
    return path.with_name(f".{path.name}.tmp")


def sync(path: Path) -> None:
    """Force a file's or a folder's contents to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with phase("sync"):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def disk_error(
    error: OSError, path: Path, go_on: str = "run the same command again"
) -> DatasetError:
    """Turn an operating-system error into one line that says what to do.

    Args:
        error: what the system said.
        path: file that was being written.
        go_on: what to do once there is space.
    """
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DatasetError(
            f"No space left on the disk of {path.parent} while writing {path.name}. "
            f"Free some space and {go_on}."
        )
    reason = error.strerror or str(error)
    return DatasetError(
        f"Cannot write {path}: {reason}. Choose a folder that can be written to."
    )
