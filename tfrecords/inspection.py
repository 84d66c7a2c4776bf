"""One shard, read back and compared with what the manifest says of it."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tfrecords import images, pool
from tfrecords.labels import synset
from tfrecords.manifest import Shard
from tfrecords.schema import Record, decode_example
from tfrecords.statistics import Accumulator


@dataclass(frozen=True)
class ShardCheck:
    """What a worker needs to inspect one shard."""

    directory: str
    split: str
    shard: Shard
    labels: tuple[str, ...]
    size: int


@dataclass
class Finding:
    """What one shard holds.

    Attributes:
        split: its split.
        file: its name.
        problem: the first thing that is wrong, or None.
        class_counts: int64 (classes,), good records by label.
        accumulator: pixel sums of the good records; training shards only.
        digests: SHA-256 of each stored picture, cut to 16 bytes.
        names: source file name of each picture.
    """

    split: str
    file: str
    class_counts: np.ndarray
    accumulator: Accumulator | None
    problem: str | None = None
    digests: list[bytes] = field(default_factory=list)
    names: list[str] = field(default_factory=list)


def inspect_shard(check: ShardCheck) -> Finding:
    """Read every record of a shard."""
    train = check.split == "train"
    finding = Finding(
        split=check.split,
        file=check.shard.file,
        class_counts=np.zeros(len(check.labels), np.int64),
        accumulator=Accumulator(check.size) if train else None,
    )
    path = Path(check.directory) / check.shard.file
    problem = _check_bytes(path, check.shard) or _check_records(path, check, finding)
    finding.problem = problem and f"{check.shard.file}: {problem}"
    return finding


def _check_bytes(path: Path, shard: Shard) -> str | None:
    try:
        found = path.stat().st_size
        if found != shard.bytes:
            state = "truncated" if found < shard.bytes else "too long"
            return f"{state}: {found:,} bytes, the manifest says {shard.bytes:,}"
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if digest == shard.sha256 else _first_damage(path)


def _first_damage(path: Path) -> str:
    differs = "SHA-256 differs from the manifest"
    intact = 0
    try:
        for _ in _serialised(path):
            intact += 1
    except OSError as error:
        return f"{differs}; record {intact} is damaged ({error})"
    return f"{differs}, though all {intact} record checksums hold: it was replaced"


def _serialised(path: Path) -> Iterator[bytes]:
    import tensorflow as tf

    try:
        yield from tf.data.TFRecordDataset(str(path)).as_numpy_iterator()
    except tf.errors.OpError as error:
        reason = "checksum" if isinstance(error, tf.errors.DataLossError) else "unread"
        raise OSError(reason) from None


def _check_records(path: Path, check: ShardCheck, finding: Finding) -> str | None:
    problems = []
    try:
        for index, serialised in enumerate(_serialised(path)):
            problem = _check_record(serialised, check, finding)
            if problem:
                problems.append(f"record {index}: {problem}")
            pool.tick()
    except OSError as error:
        return f"cannot be read to its end ({error})"
    found = len(finding.digests) + len(problems)
    if found != check.shard.records:
        return f"{found} records, the manifest says {check.shard.records}"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return f"{problems[0]}{more}" if problems else None


def _check_record(serialised: bytes, check: ShardCheck, finding: Finding) -> str | None:
    try:
        record = decode_example(serialised)
        pixels = images.decode(record.encoded)
    except ValueError as error:
        return str(error)
    problem = _check_values(record, pixels.shape, check)
    if problem is None:
        finding.class_counts[record.label] += 1
        finding.digests.append(hashlib.sha256(record.encoded).digest()[:16])
        finding.names.append(record.filename)
        if finding.accumulator:
            finding.accumulator.add(pixels)
    return problem


def _check_values(record: Record, shape: tuple, check: ShardCheck) -> str | None:
    wanted = (check.size, check.size)
    if shape[:2] != wanted or (record.height, record.width) != wanted:
        told = (record.height, record.width)
        return f"expected {wanted} pixels, decoded {shape[:2]}, recorded {told}"
    if not record.encoded.startswith(b"\xff\xd8"):
        return "expected a JPEG"
    if not 0 <= record.label < len(check.labels):
        return f"label {record.label} is outside 0..{len(check.labels) - 1}"
    name = check.labels[record.label]
    if (record.text, record.synset) != (name, synset(name)):
        return f"label {record.label} is {name!r}, the record says {record.text!r}"
    return None
