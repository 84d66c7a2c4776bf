"""The hidden folder of an unfinished build, and who may write there.

One build at a time: it holds a lock that the kernel releases when the process ends,
however it ends. Its processes show a token and hold a lock of their own while they
write; a new build first waits until none does, then changes the token. So a process
that outlives its build can neither spoil the next one nor go on beside it,
on this machine or, where the file system's locks reach them, on others.
"""

import errno
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tfrecords.dataset.names import BUILDING_FOLDER, LOCK_FILE, TOKEN_FILE
from tfrecords.errors import DatasetError

try:
    import fcntl
except ImportError:
    raise ImportError(
        "Expected Linux or macOS, found a system that cannot lock files as they do. "
        "On Windows, use WSL 2."
    ) from None

_PATIENCE_SECONDS = 10.0  # processes die some milliseconds after their build
_POLL_SECONDS = 0.05
_HELD = (errno.EWOULDBLOCK, errno.EACCES)


@contextmanager
def build_lock(out: Path) -> Iterator[str]:
    """Hold a dataset folder for one build.

    Args:
        out: the dataset folder; its `.building` is made.

    Yields:
        The token that the build's processes must show.

    Raises:
        DatasetError: another build holds the folder, processes of an earlier one still
            write, or the file system has no locks.
        OSError: the folder is not writable.
    """
    lock = _take(out)
    try:
        yield _new_token(out)
    finally:
        revoke(out)
        os.close(lock)


def _take(out: Path) -> int:
    path = out / BUILDING_FOLDER / LOCK_FILE
    while True:
        path.parent.mkdir(exist_ok=True)
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except FileNotFoundError:
            continue  # a build has just finished and removed its folder
        try:
            if not _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, out):
                holder = os.read(descriptor, 200).decode(errors="replace")
                raise DatasetError(
                    f"Another build ({holder}) is writing into {out}. "
                    "Wait until it has ended, or choose another folder."
                )
            if _is_same_file(descriptor, path):
                _write(descriptor, f"process {os.getpid()} on {socket.gethostname()}")
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _new_token(out: Path) -> str:
    path = out / BUILDING_FOLDER / TOKEN_FILE
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        end = time.monotonic() + _PATIENCE_SECONDS
        while not _lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, out):
            if time.monotonic() > end:
                raise DatasetError(
                    f"Workers of an earlier build still write into {out}. "
                    "Stop them, or run the same command again when they have ended."
                )
            time.sleep(_POLL_SECONDS)
        token = uuid.uuid4().hex
        _write(descriptor, token)
        return token
    finally:
        os.close(descriptor)


def revoke(out: Path) -> None:
    """Let no process of the present build begin another shard."""
    with suppress(OSError):
        os.truncate(out / BUILDING_FOLDER / TOKEN_FILE, 0)


@contextmanager
def shard_lock(out: Path, token: str) -> Iterator[None]:
    """Write as a process of the build that gave the token.

    Raises:
        DatasetError: that build has ended or another one has taken its place.
    """
    over = DatasetError(f"The build that this worker belongs to has left {out}.")
    try:
        descriptor = os.open(out / BUILDING_FOLDER / TOKEN_FILE, os.O_RDONLY)
    except FileNotFoundError:
        raise over from None
    try:
        _lock(descriptor, fcntl.LOCK_SH, out)
        if os.read(descriptor, 200).decode(errors="replace") != token:
            raise over
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, kind: int, out: Path) -> bool:
    try:
        fcntl.flock(descriptor, kind)
    except OSError as error:
        if error.errno in _HELD:
            return False
        raise DatasetError(
            f"The file system of {out} cannot lock files ({error.strerror}), so two "
            "builds could not be kept apart. Choose a folder on another one."
        ) from None
    return True


def _write(descriptor: int, text: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, text.encode(), 0)
