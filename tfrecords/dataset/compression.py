"""Files that were compressed as a whole, which no reader of TFRecords sees through."""

import zlib
from pathlib import Path

# What such files start with, the program, and how their names end by custom.
_PROGRAMS = (
    (b"\x1f\x8b", "gzip", ".gz"),
    (b"\x28\xb5\x2f\xfd", "zstd", ".zst"),
    (b"\xfd7zXZ\x00", "xz", ".xz"),
    (b"BZh", "bzip2", ".bz2"),
    (b"\x04\x22\x4d\x18", "lz4", ".lz4"),
)
_TRIED_BYTES = 4096
_GZIP_OR_ZLIB = zlib.MAX_WBITS + 32  # by the header


def compression(path: Path) -> str | None:
    """Say how a file is compressed, and what to do; None: it is not, or is not there.

    A sound TFRecord file can start with the same few bytes, by chance: ask only of a
    file that was found to be wrong.
    """
    try:
        with open(path, "rb") as file:
            start = file.read(_TRIED_BYTES)
    except OSError:
        return None
    for mark, program, _ in _PROGRAMS:
        if start.startswith(mark) and (program != "gzip" or _inflates(start)):
            return (
                f"compressed with {program}; decompress it with "
                f"`{program} -dc FILE > NEW` and put NEW in its place"
            )
    if start[:1] == b"\x78" and _inflates(start):  # as TensorFlow writes it
        return (
            "compressed with zlib; write it without, from what "
            '`tf.data.TFRecordDataset(FILE, "ZLIB")` reads'
        )
    return None


def _inflates(start: bytes) -> bool:
    try:
        return bool(zlib.decompressobj(_GZIP_OR_ZLIB).decompress(start))
    except zlib.error:
        return False


def compressed_beside(path: Path) -> str | None:
    """Name the compressed form of a missing file, and what to do; None: none."""
    if path.exists():
        return None
    for _, program, ending in _PROGRAMS:
        beside = path.with_name(path.name + ending)
        if beside.is_file():
            return f"{beside.name} is there; decompress it with `{program} -d`"
    return None
