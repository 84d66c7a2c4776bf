"""What a tar file holds, and where: headers are read, nothing is unpacked."""

import posixpath
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tfrecords.errors import DatasetError
from tfrecords.sources.sample import Ignored

_BLOCK = tarfile.BLOCKSIZE
_MOST_HEADER_BYTES = 1 << 20  # of one member; long names are of some hundred
_MOST_PADDING_BYTES = 1 << 20  # after the end marker; usual are less than 10,240
_BUFFER_BYTES = 4096  # one header is wanted, not what lies behind it
_TYPES = {
    tarfile.SYMTYPE: "a symbolic link",
    tarfile.LNKTYPE: "a hard link",
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a pipe",
}


@dataclass(frozen=True, slots=True)
class Member:
    """A regular file in a tar: its name, and where its bytes lie in the outer file."""

    name: str
    offset: int
    size: int


class TarHeaders:
    """The members of a tar file, or of one that lies uncompressed in another.

    Args:
        path: the file.
        within: the member that is a tar itself; None: the whole file.

    Raises:
        DatasetError: from `members`, if the tar is damaged or ends too early. What is
            no regular file of its own folder is passed over and noted in `ignored`.
    """

    def __init__(self, path: Path, within: Member | None = None):
        self._path = path
        self._within = within
        self.ignored: list[Ignored] = []

    def members(self) -> Iterator[Member]:
        """Yield the regular files, in the order of the tar."""
        try:
            with open(self._path, "rb", buffering=_BUFFER_BYTES) as file:
                yield from self._walk(_Headers(file, self._within))
        except OSError as error:
            raise DatasetError(f"Cannot read {self._path}: {error.strerror}.") from None

    def _walk(self, headers: "_Headers") -> Iterator[Member]:
        tar = None
        while True:
            headers.start_member()
            try:
                # The first member is read on opening.
                tar = tar or tarfile.TarFile(
                    fileobj=headers,  # type: ignore[arg-type]
                    encoding="utf-8",
                    errors="surrogateescape",
                )
                info = tar.next()
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep all
            except (tarfile.TarError, ValueError, RecursionError) as error:
                raise self._damage(headers.place, str(error)) from None
            if info is None:
                break
            member = self._checked(info, headers)
            if member:
                yield member
        self._check_end(tar.offset, headers)

    def _checked(self, info: tarfile.TarInfo, headers: "_Headers") -> Member | None:
        end = info.offset_data + info.size
        if info.size < 0 or not headers.start < info.offset_data <= end <= headers.end:
            raise self._damage(
                info.offset, f"{info.name!r} ends at byte {end:,} of {headers.end:,}"
            )
        if info.isdir():
            return None
        reason = _why_not(info)
        if reason:
            self.ignored.append(Ignored(self._shown(info.name), reason))
            return None
        return Member(posixpath.normpath(info.name), info.offset_data, info.size)

    def _check_end(self, offset: int, headers: "_Headers") -> None:
        # tarfile takes an ill-formed header for the end of the archive.
        headers.start_member()
        try:
            headers.seek(offset)
            if headers.read(_BLOCK) != bytes(_BLOCK):
                raise self._damage(offset, "expected the header of a member")
        except tarfile.TarError as error:
            raise self._damage(offset, str(error)) from None
        rest = headers.end - offset
        if rest > _MOST_PADDING_BYTES:
            raise self._damage(offset, f"nothing is in the last {rest:,} bytes")

    def _damage(self, offset: int, detail: str) -> DatasetError:
        inner = f" ({self._within.name} in it)" if self._within else ""
        return DatasetError(
            f"{self._path}{inner} is damaged or not fully downloaded, at byte "
            f"{offset:,}: {detail}. Fetch it again; a compressed tar must be unpacked."
        )

    def _shown(self, name: str) -> str:
        inner = f"{self._within.name}/" if self._within else ""
        return f"{self._path.name}/{inner}{name}"


def _why_not(info: tarfile.TarInfo) -> str | None:
    if info.issparse():
        return "a sparse file"
    if not info.isreg():
        return _TYPES.get(info.type, f"a member of unknown type {info.type!r}")
    name = info.name
    if name.startswith("/") or ".." in name.split("/"):
        return "its path leads out of the tar"
    if posixpath.normpath(name) == ".":
        return "it has no name"
    return None


class _Headers:
    """A stretch of a file as `tarfile` reads it, for headers only.

    It raises where a plain file would give fewer bytes, so that no loop that waits
    for more is endless, and gives one member only so many bytes of header.
    """

    def __init__(self, file: BinaryIO, within: Member | None):
        self._file = file
        self.start = within.offset if within else 0
        self.end = within.offset + within.size if within else file.seek(0, 2)
        self.place = self.start
        self._left = 0

    def start_member(self) -> None:
        """Grant the header bytes of one more member."""
        self._left = _MOST_HEADER_BYTES

    def tell(self) -> int:
        """Return the place in the outer file."""
        return self.place

    def seek(self, place: int) -> None:
        """Go to a place in the outer file."""
        if place < self.start:
            raise tarfile.ReadError("a header points back")
        self.place = place

    def read(self, count: int) -> bytes:
        """Read exactly so many bytes."""
        self._left -= count
        if count < 0 or self._left < 0:
            raise tarfile.ReadError(f"a header of more than {_MOST_HEADER_BYTES:,} B")
        if self.place + count > self.end:
            raise tarfile.ReadError(f"the tar ends at byte {self.end:,}")
        self._file.seek(self.place)
        data = self._file.read(count)
        self.place += len(data)
        return data
