"""One shard, read back and compared with what the manifest says of it."""

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfrecords.dataset.compression import compressed_beside, compression
from tfrecords.dataset.example import FORMATS, PictureRecord, decode_example
from tfrecords.dataset.labels import synset
from tfrecords.dataset.manifest import Shard
from tfrecords.dataset.offsets import FRAMING
from tfrecords.dataset.statistics import Accumulator
from tfrecords.images import store
from tfrecords.images.options import ImageOptions
from tfrecords.processes import tick

_DIGEST = 16  # bytes; among 1.5e7 pictures two would share them by chance once in 1e24


@dataclass(frozen=True)
class ShardCheck:
    """What a process needs to inspect one shard."""

    directory: str
    split: str
    shard: Shard
    labels: tuple[str, ...]
    options: ImageOptions
    words: tuple[str, ...] = ()  # by label; what a record says where they are known


@dataclass
class Finding:
    """What one shard holds.

    Attributes:
        split: its split.
        file: its name.
        problem: the first thing that is wrong, or None.
        class_counts: int64 (classes,), good records by label.
        accumulator: pixel sums of the good records; training shards only.
        digests: uint64 (good records, 2): SHA-256 of each stored picture, cut short.
        records: uint32 (good records,), the place of each in the shard.
        lengths: uint32 (records,), bytes of each in the shard.
    """

    split: str
    file: str
    class_counts: np.ndarray
    accumulator: Accumulator | None
    problem: str | None = None
    digests: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), np.uint64))
    records: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))
    lengths: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint32))


def inspect_shard(check: ShardCheck) -> Finding:
    """Read every record of a shard."""
    train = check.split == "train"
    finding = Finding(
        split=check.split,
        file=check.shard.file,
        class_counts=np.zeros(len(check.labels), np.int64),
        accumulator=Accumulator(check.options.size) if train else None,
    )
    path = Path(check.directory) / check.shard.file
    problem = _check_bytes(path, check.shard) or _check_records(path, check, finding)
    finding.problem = problem and f"{check.shard.file}: {problem}"
    return finding


def _check_bytes(path: Path, shard: Shard) -> str | None:
    try:
        found = path.stat().st_size
        if found != shard.bytes:
            if packed := compression(path):
                return packed
            state = "truncated" if found < shard.bytes else "too long"
            return f"{state}: {found:,} bytes, the manifest says {shard.bytes:,}"
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"cannot be read: {compressed_beside(path) or error.strerror}"
    return None if digest == shard.sha256 else _first_damage(path)


def _first_damage(path: Path) -> str:
    differs = "SHA-256 differs from the manifest"
    intact = 0
    if packed := compression(path):
        return packed
    try:
        for _ in serialised_records(path):
            intact += 1
    except OSError as error:
        return f"{differs}; record {intact} is damaged ({error})"
    return f"{differs}, though all {intact} record checksums hold: it was replaced"


def serialised_records(path: Path, first: int = 0) -> Iterator[bytes]:
    """Read a TFRecord file from record `first` on; checksums are checked.

    Raises:
        OSError: the file cannot be read, or a record is damaged.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False  # its thread may hold up whoever is done, a minute
    records = tf.data.TFRecordDataset(str(path)).skip(first).with_options(options)
    try:
        yield from records.as_numpy_iterator()
    except tf.errors.OpError as error:
        damaged = isinstance(error, tf.errors.DataLossError)
        reason = compression(path) or "checksum" if damaged else "unread"
        raise OSError(reason) from None


def _check_records(path: Path, check: ShardCheck, finding: Finding) -> str | None:
    problems, digests, good, lengths = [], bytearray(), array("I"), array("I")
    index = -1
    try:
        for index, serialised in enumerate(serialised_records(path)):
            lengths.append(len(serialised) + FRAMING)
            try:
                digests += _check_record(serialised, check, finding)
                good.append(index)
            except ValueError as error:
                problems.append(f"record {index}: {error}")
            tick()
    except OSError as error:
        return f"cannot be read to its end ({error})"
    finding.digests = np.frombuffer(bytes(digests), np.uint64).reshape(-1, 2)
    finding.records = np.array(good, np.uint32)
    finding.lengths = np.array(lengths, np.uint32)
    if index + 1 != check.shard.records:
        return f"{index + 1} records, the manifest says {check.shard.records}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else None


def _check_record(serialised: bytes, check: ShardCheck, finding: Finding) -> bytes:
    record = decode_example(serialised)
    pixels = store.square(record.encoded, check.options)
    _check_picture(record, pixels.shape, check.options)
    _check_label(record, check)
    finding.class_counts[record.label] += 1
    if finding.accumulator:
        finding.accumulator.add(pixels)
    return hashlib.sha256(record.encoded).digest()[:_DIGEST]


def _check_picture(record: PictureRecord, seen: tuple, options: ImageOptions) -> None:
    if record.format != FORMATS[options.encoding]:
        raise ValueError(
            f"expected format {FORMATS[options.encoding]}, recorded {record.format!r}"
        )
    if record.format == "JPEG" and not record.encoded.startswith(b"\xff\xd8"):
        raise ValueError("expected a JPEG")
    wanted = store.stored_size(record.encoded, options)
    told = (record.height, record.width)
    if seen[:2] != (options.size, options.size) or told != wanted:
        raise ValueError(
            f"expected {wanted} pixels, decoded {seen[:2]}, recorded {told}"
        )


def _check_label(record: PictureRecord, check: ShardCheck) -> None:
    labels = check.labels
    if not 0 <= record.label < len(labels):
        raise ValueError(f"label {record.label} is outside 0..{len(labels) - 1}")
    name = labels[record.label]
    text = (check.words[record.label] if check.words else "") or name
    if (record.text, record.synset) != (text, synset(name)):
        raise ValueError(
            f"label {record.label} is {text!r}, the record says {record.text!r}"
        )
