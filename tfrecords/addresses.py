"""Folders and files that TensorFlow reads at an address, such as gs://bucket/data."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from tfrecords.files import local_path

if TYPE_CHECKING:
    import tensorflow as tf

# A `Path` has only one slash of an address; no drive or folder of ours looks so.
_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/{1,2}([^/].*)")
_FILE = "file"


class Address:
    """A place that TensorFlow reads, as a `Path` in what readers of datasets ask of it.

    Args:
        text: Such as `gs://bucket/data`.
    """

    def __init__(self, text: str) -> None:
        self._text = text.rstrip("/")

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"Address({self._text!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Address) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(self._text)

    def __truediv__(self, name: str) -> "Address":
        return Address(f"{self._text}/{name}")

    @property
    def name(self) -> str:
        """The last part."""
        return self._text.rpartition("/")[2]

    @property
    def parent(self) -> "Address":
        """All but the last part."""
        return Address(self._text.rpartition("/")[0])

    def exists(self) -> bool:
        """Whether something is there."""
        with _as_os_errors(self):
            return _gfile().exists(self._text)

    def is_dir(self) -> bool:
        """Whether it is a folder."""
        with _as_os_errors(self):
            return _gfile().isdir(self._text)

    def stat(self) -> SimpleNamespace:
        """Return its length as `st_size`.

        Raises:
            OSError: It is not there, or cannot be asked for.
        """
        with _as_os_errors(self):
            return SimpleNamespace(st_size=_gfile().stat(self._text).length)

    def read_bytes(self) -> bytes:
        """Read all of it.

        Raises:
            OSError: It is not there, or cannot be read.
        """
        with self.open() as file:
            return file.read()

    @contextmanager
    def open(
        self, mode: str = "rb", buffering: int = -1
    ) -> Iterator["tf.io.gfile.GFile"]:
        """Open it for reading in bytes; what goes wrong in the block is an OSError.

        Args:
            mode: `rb`; nothing is written to an address.
            buffering: As for a `Path`, without effect.
        """
        if mode != "rb":
            raise OSError(errno.EROFS, "nothing is written to an address", str(self))
        with _as_os_errors(self), _gfile().GFile(self._text, mode) as file:
            yield file


def dataset_folder(place: Path | str | Address) -> Path | Address:
    """Return where a dataset lies, of what a user gave.

    Args:
        place: A path, or an address that may have become one: `gs:/bucket/data`.

    Raises:
        DatasetError: It is the address of a file of this machine.
    """
    if isinstance(place, Address):
        return place
    found = _ADDRESS.fullmatch(str(place))
    if found is None or found[1] == _FILE or os.path.exists(place):
        return local_path(place)
    return Address(f"{found[1]}://{found[2]}")


def _gfile():
    import tensorflow as tf

    return tf.io.gfile


@contextmanager
def _as_os_errors(address: Address) -> Iterator[None]:
    import tensorflow as tf

    try:
        yield
    except tf.errors.UnimplementedError:
        known = [each for each in tf.io.gfile.get_registered_schemes() if each]
        reason = f"TensorFlow reads {', '.join(sorted(known))} here"
        raise OSError(errno.EPROTONOSUPPORT, reason, str(address)) from None
    except tf.errors.NotFoundError:
        reason = os.strerror(errno.ENOENT)
        raise FileNotFoundError(errno.ENOENT, reason, str(address)) from None
    except tf.errors.OpError as error:
        reason = " ".join(error.message.split())
        raise OSError(errno.EIO, reason, str(address)) from None
