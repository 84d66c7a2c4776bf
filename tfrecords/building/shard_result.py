"""What came of one shard, and the file that keeps it until the dataset is whole."""

import io
import json
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tfrecords.building.plan import PlannedShard
from tfrecords.dataset.manifest import Contents, Shard
from tfrecords.dataset.names import BUILDING_FOLDER
from tfrecords.dataset.statistics import Accumulator
from tfrecords.files import write_atomically
from tfrecords.images.store import codec_versions
from tfrecords.stopwatch import Seconds


@dataclass(frozen=True)
class Rejection:
    """A line of `rejected.jsonl`."""

    file: str
    split: str
    class_name: str
    reason: str
    detail: str

    def to_json(self) -> dict[str, str]:
        """Name the fields as the file does."""
        fields = asdict(self)
        return {("class" if k == "class_name" else k): v for k, v in fields.items()}


@dataclass
class ShardResult:
    """What came of a shard.

    Attributes:
        split: the shard's split.
        shard: the file.
        class_counts: int64 (classes,), records by label.
        rejections: pictures that were left out.
        accumulator: pixel sums of the stored pictures; training shards only.
        contents: the pictures that were read.
        lengths: uint32 (records,), bytes of each record in the file.
        seconds: what each phase took, but for keeping this.
    """

    split: str
    shard: Shard
    class_counts: np.ndarray
    rejections: list[Rejection]
    accumulator: Accumulator | None
    contents: Contents
    lengths: np.ndarray
    seconds: dict[str, Seconds] = field(default_factory=dict)


def result_path(out: Path, file: str) -> Path:
    """Name the file that keeps the result of a shard."""
    return out / BUILDING_FOLDER / f"{file}.npz"


def save_result(out: Path, fingerprint: str, result: ShardResult) -> None:
    """Keep a result, whole or not at all, once its shard has its final name.

    For 256 x 256 pictures the pixel sums are most of it, some 0.8 MB. Compressing
    them would save two fifths and cost more time than all the rest.

    Args:
        out: the dataset folder.
        fingerprint: of the plan.
        result: what to keep.

    Raises:
        OSError: the disk is full or not writable.
    """
    document = {
        "fingerprint": fingerprint,
        "written_with": codec_versions(),
        "split": result.split,
        "shard": asdict(result.shard),
        "rejections": [asdict(rejection) for rejection in result.rejections],
        "contents": asdict(result.contents),
        "seconds": {name: asdict(each) for name, each in result.seconds.items()},
    }
    arrays: dict[str, Any] = {
        "document": np.frombuffer(json.dumps(document).encode(), np.uint8),
        "class_counts": result.class_counts,
        "lengths": result.lengths,
    }
    if result.accumulator:
        arrays["sums"] = _smallest(result.accumulator.sums)
        arrays["products"] = result.accumulator.products
        arrays["count"] = np.int64(result.accumulator.count)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    write_atomically(result_path(out, result.shard.file), buffer.getvalue())


def _smallest(sums: np.ndarray) -> np.ndarray:
    return sums.astype(np.min_scalar_type(sums.max(initial=0)))


def load_result(
    out: Path, fingerprint: str, planned: PlannedShard
) -> ShardResult | None:
    """Read what is kept of a shard.

    Returns:
        None if the shard must be written (again): nothing is kept, what is kept is
        damaged, of another plan or made with another release of the picture
        libraries, or the shard itself is gone or has another size.
    """
    try:
        path = result_path(out, planned.file)
        with open(path, "rb") as file, np.load(file) as arrays:
            document = json.loads(arrays["document"].tobytes())
            if document["fingerprint"] != fingerprint:
                return None
            if document["written_with"] != codec_versions():
                return None
            result = _parse(document, arrays)
        size = (out / planned.file).stat().st_size
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None
    return result if _fits(result, planned, size) else None


def _parse(document: dict[str, Any], arrays) -> ShardResult:
    accumulator = None
    if "sums" in arrays:
        accumulator = Accumulator(len(arrays["sums"]))
        accumulator.sums += arrays["sums"]
        accumulator.products += arrays["products"]
        accumulator.count = int(arrays["count"])
    return ShardResult(
        split=document["split"],
        shard=Shard(**document["shard"]),
        class_counts=arrays["class_counts"],
        rejections=[Rejection(**fields) for fields in document["rejections"]],
        accumulator=accumulator,
        contents=Contents(**document["contents"]),
        lengths=arrays["lengths"],
        seconds={n: Seconds(**each) for n, each in document["seconds"].items()},
    )


def _fits(result: ShardResult, planned: PlannedShard, size: int) -> bool:
    records = result.shard.records
    return (
        (result.split, result.shard.file) == (planned.split, planned.file)
        and result.shard.bytes == size
        and records + len(result.rejections) == len(planned.samples)
        and result.class_counts.sum() == records == len(result.lengths)
        and result.lengths.sum(dtype=np.int64) == size
        and (planned.split == "train") == (result.accumulator is not None)
        and (result.accumulator is None or result.accumulator.count == records)
    )
