"""Where each record lies in its shard, which is what reading them in any order takes.

A TFRecord file is one record after the other: 8 bytes of length, 4 of their checksum,
the content, 4 of its checksum, all little-endian (TensorFlow, lib/io/record_writer.h).
"""

import errno
import hashlib
import io
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords.addresses import Address, dataset_folder
from tfrecords.dataset.compression import compression
from tfrecords.dataset.manifest import Manifest, Shard
from tfrecords.dataset.names import OFFSETS_FILE
from tfrecords.errors import DatasetError
from tfrecords.files import write_atomically
from tfrecords.plain_text import say
from tfrecords.progress import Progress

FRAMING = 16  # bytes of a record that are not its content
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True, eq=False)
class Offsets:
    """Where the records of a dataset lie; by split, shard after shard.

    Attributes:
        offsets: int64 `(records,)`, place in bytes of each in its shard.
        lengths: uint32 `(records,)`, bytes of each, framing included.
    """

    offsets: Mapping[str, np.ndarray]
    lengths: Mapping[str, np.ndarray]

    @classmethod
    def of_lengths(
        cls, manifest: Manifest, lengths: Mapping[str, np.ndarray]
    ) -> "Offsets":
        """Make them of the lengths of the records, by shard file."""
        begins = {file: np.cumsum(each) - each for file, each in lengths.items()}
        return cls(
            _by_split(manifest, begins, np.int64),
            _by_split(manifest, lengths, np.uint32),
        )

    @classmethod
    def find(cls, directory: Path | str | Address, manifest: Manifest) -> "Offsets":
        """Read `offsets.npz`; make it where there is none of these shards, and say so.

        Raises:
            DatasetError: A shard is not as the manifest says.
        """
        folder = dataset_folder(directory)
        path = folder / OFFSETS_FILE
        try:
            return cls.load(directory, manifest)
        except FileNotFoundError:
            done = f"{path} is made: where each record lies, to read them in any order."
        except DatasetError as error:
            done = f"{error} It is made again."
        found = cls.scan(directory, manifest)
        try:
            found.save(folder)
        except OSError as error:
            done = f"{path} cannot be kept ({error.strerror}): made again at each use."
        say(done, error=True)
        return found

    @classmethod
    def scan(cls, directory: Path | str | Address, manifest: Manifest) -> "Offsets":
        """Find them in the shards, of which the lengths of records alone are read.

        Raises:
            DatasetError: A shard is not as the manifest says.
        """
        folder = dataset_folder(directory)
        shards = [shard for each in manifest.splits.values() for shard in each]
        lengths, done = {}, 0
        with Progress("offsets", sum(shard.records for shard in shards)) as progress:
            for shard in shards:
                lengths[shard.file] = record_lengths(folder / shard.file, shard)
                done += shard.records
                progress.update(done)
        return cls.of_lengths(manifest, lengths)

    @classmethod
    def load(cls, directory: Path | str | Address, manifest: Manifest) -> "Offsets":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: There is no such file.
            DatasetError: It is damaged, or of other shards.
        """
        path = dataset_folder(directory) / OFFSETS_FILE
        try:
            with np.load(io.BytesIO(path.read_bytes())) as arrays:
                found = cls(
                    {split: arrays[f"{split}/offset"] for split in manifest.splits},
                    {split: arrays[f"{split}/length"] for split in manifest.splits},
                )
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise _damaged(path, str(error)) from None
        for split, shards in manifest.splits.items():
            if not found._fits(split, shards):
                raise _damaged(path, f"it is not of these shards of {split}")
        return found

    def _fits(self, split: str, shards: tuple[Shard, ...]) -> bool:
        offsets, lengths = self.offsets[split], self.lengths[split]
        count = sum(shard.records for shard in shards)
        kinds = offsets.dtype == np.int64 and lengths.dtype == np.uint32
        if not kinds or not offsets.shape == lengths.shape == (count,):
            return False
        firsts = np.cumsum([shard.records for shard in shards])[:-1]
        by_shard = np.split(lengths.astype(np.int64), firsts)
        begins = [np.cumsum(each) - each for each in by_shard]
        sizes = [each.sum() for each in by_shard]
        return sizes == [shard.bytes for shard in shards] and np.array_equal(
            offsets, np.concatenate(begins)
        )

    def save(self, directory: Path | str | Address) -> str:
        """Write `offsets.npz`, whole or not at all; equal offsets, equal bytes.

        Returns:
            SHA-256 of the file (hex).

        Raises:
            OSError: It cannot be written; nothing is to an address.
        """
        arrays: dict[str, Any] = {}
        for split in self.offsets:
            arrays[f"{split}/offset"] = self.offsets[split]
            arrays[f"{split}/length"] = self.lengths[split]
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        path = dataset_folder(directory) / OFFSETS_FILE
        if isinstance(path, Address):
            raise OSError(errno.EROFS, "it is an address", str(path))
        write_atomically(path, buffer.getvalue())
        return hashlib.sha256(buffer.getvalue()).hexdigest()


def record_lengths(path: Path | Address, shard: Shard) -> np.ndarray:
    """Read the bytes of each record of a shard, framing included: uint32 `(records,)`.

    Raises:
        DatasetError: Its records do not end where it ends, or are not as many as said.
    """
    lengths, place = [], 0
    try:
        with path.open("rb", buffering=0) as file:
            while place < shard.bytes:
                file.seek(place)
                (content,) = _LENGTH.unpack(file.read(_LENGTH.size))
                lengths.append(content + FRAMING)
                place += lengths[-1]
    except (OSError, struct.error) as error:
        raise _not_records(path, str(error)) from None
    if place != shard.bytes or len(lengths) != shard.records:
        found = f"{len(lengths):,} records in {place:,} bytes"
        wanted = f"{shard.records:,} records in {shard.bytes:,} bytes"
        raise _not_records(path, f"{found}, the manifest says {wanted}")
    return np.array(lengths, np.uint32)


def _by_split(
    manifest: Manifest, by_file: Mapping[str, np.ndarray], dtype: type
) -> dict[str, np.ndarray]:
    nothing: np.ndarray = np.zeros(0, dtype)
    return {
        split: np.concatenate(
            [nothing, *(by_file[shard.file] for shard in shards)], dtype=dtype
        )
        for split, shards in manifest.splits.items()
    }


def _damaged(path: Path | Address, reason: str) -> DatasetError:
    return DatasetError(f"{path} is damaged ({reason}).")


def _not_records(path: Path | Address, reason: str) -> DatasetError:
    packed = compression(path) if isinstance(path, Path) else None
    return DatasetError(
        f"Expected TFRecords in {path} as the manifest tells: {packed or reason}. See "
        f"what else is wrong with: alexnet verify {path.parent}; then build it again."
    )
