"""Zip files of which nothing is unpacked, only read, and no more than is there."""

import struct
import zipfile
from pathlib import Path

from tfrecords.errors import UserError

SIGNATURE = b"PK\x03\x04"
MOST_ENTRIES = 10_000
_END = struct.Struct("<4s4H2LH")  # end of central directory
_END_SIGNATURE = b"PK\x05\x06"


def open_zip(path: Path) -> zipfile.ZipFile:
    """Open a zip file of plain names.

    Raises:
        UserError: It is damaged, or has more entries than weights need, two of one
            name, or names that lead out of a folder.
    """
    try:
        _check_end(path)
        opened = zipfile.ZipFile(path)
    except (OSError, ValueError, struct.error, zipfile.BadZipFile) as error:
        if isinstance(error, UserError):
            raise
        raise _refused(path, f"a damaged one ({error})") from None
    names = opened.namelist()
    odd = [n for n in names if n.startswith("/") or ".." in n.split("/") or "\\" in n]
    if odd or len({*names}) < len(names):
        opened.close()
        raise _refused(path, f"the name {odd[0]!r}" if odd else "two of one name")
    return opened


def read_entry(opened: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Read one entry.

    Args:
        opened: The file.
        name: Of the entry.
        most: Bytes that it may have.

    Raises:
        UserError: It is absent, compressed, larger or damaged.
    """
    path = Path(opened.filename or "")
    try:
        entry = opened.getinfo(name)
    except KeyError:
        raise _refused(path, f"no {name}") from None
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > most:
        raise _refused(path, f"{name} compressed, or of {entry.file_size:,} bytes")
    try:
        with opened.open(entry) as file:
            data = file.read(most + 1)
    # Its CRC does not fit, it ends, or is encrypted.
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile) as error:
        raise _refused(path, f"{name} damaged ({error})") from None
    if len(data) != entry.file_size:
        raise _refused(path, f"{name} cut off")
    return data


def _check_end(path: Path) -> None:
    """Count the entries before the directory of them is read."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(max(0, size - _END.size - 2**16))
        tail = file.read()
    place = tail.rfind(_END_SIGNATURE)
    if place < 0 or len(tail) - place < _END.size:
        raise zipfile.BadZipFile("it ends too early")
    end = _END.unpack_from(tail, place)
    # 65,535 stands for a count that is elsewhere, in files of zip's larger form.
    if end[4] > MOST_ENTRIES or end[5] > 2**24:
        raise _refused(path, f"{end[4]:,} entries or more")


def _refused(path: Path, found: str) -> UserError:
    return UserError(
        f"Expected a zip file as PyTorch or Keras writes it, found {found} in {path}. "
        "Get the file again, or save it anew."
    )
