"""The standard streams of a process, which may be closed, broken or ASCII only."""

import importlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any


def open_streams() -> None:
    """Make standard input, output and error fit to be used by anything.

    To be called first of all: where one is closed, the next file that is opened would
    take its number, and what is meant for the stream would be written into the file.
    A reader of a pipe that goes away is no error, and a character that the stream's
    encoding lacks is printed as an escape.
    """
    for descriptor in (0, 1, 2):
        if not _is_open(descriptor):
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number, which is this
            os.set_inheritable(descriptor, True)
    sys.stdout = _tolerant(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _tolerant(sys.stderr, sys.__stderr__, 2)


def flush_streams() -> None:
    """Write out what has been printed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(ValueError):  # closed by someone
            stream.flush()


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Send to nowhere what is written on descriptor 2, by C++ code too."""
    if not _is_open(2):
        yield
        return
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def import_tensorflow_silently() -> None:
    """Import TensorFlow without its greeting, which comes before its log settings."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if sys.stderr is not None:
        sys.stderr.flush()
    with silent_stderr():
        importlib.import_module("tensorflow")


class _Descriptor(io.FileIO):
    """A descriptor whose reader may go away."""

    def write(self, data: Any) -> int:
        with suppress(BrokenPipeError):
            return super().write(data) or 0
        return memoryview(data).nbytes


def _tolerant(stream: Any, first: Any, descriptor: int) -> Any:
    if stream is None:  # it was closed, and now leads to nowhere
        return _wrapped(descriptor, "utf-8")
    if stream is not first or not isinstance(stream, io.TextIOWrapper):
        _escape_unknown(stream)  # the caller's own, such as a notebook's
        return stream
    if isinstance(getattr(stream.buffer, "raw", None), _Descriptor):
        return stream
    with suppress(BrokenPipeError):
        stream.flush()
    return _wrapped(descriptor, stream.encoding)


def _wrapped(descriptor: int, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(
        io.BufferedWriter(_Descriptor(descriptor, "w", closefd=False)),
        encoding=encoding,
        errors="backslashreplace",
        line_buffering=descriptor == 2 or os.isatty(descriptor),
    )


def _escape_unknown(stream: Any) -> None:
    if hasattr(stream, "reconfigure"):
        with suppress(ValueError, io.UnsupportedOperation):
            stream.reconfigure(errors="backslashreplace")


def _is_open(descriptor: int) -> bool:
    try:
        os.fstat(descriptor)
    except OSError:
        return False
    return True
