"""Whether a build can fit on its disk."""

import shutil
from collections.abc import Iterable
from pathlib import Path

from tfrecords.building.plan import PlannedShard
from tfrecords.errors import DatasetError
from tfrecords.images.decode import MAX_BYTES
from tfrecords.images.options import ORIGINAL, RAW, ImageOptions
from tfrecords.sources import Sample

# A fifth of what Imagenette has, so that only a hopeless build is refused.
_LEAST_JPEG_BYTES_PER_PIXEL = 0.08


def check_space(
    out: Path, shards: Iterable[PlannedShard], options: ImageOptions
) -> None:
    """Refuse a build that cannot fit; shards that would be replaced make room.

    Args:
        out: the dataset folder; it is there.
        shards: those that are still to be written.
        options: size and encoding.

    Raises:
        DatasetError: less is free than the shards take at the very least.
    """
    needed = sum(
        least_bytes(shard, options) - _size(out / shard.file) for shard in shards
    )
    free = shutil.disk_usage(out).free
    if needed > free:
        raise DatasetError(
            f"Expected at least {needed / 1e9:,.3f} GB free on the disk of {out}, "
            f"found {free / 1e9:,.3f} GB. Free some space, choose another disk, or "
            "store less (--size, --encoding, --quality)."
        )


def least_bytes(shard: PlannedShard, options: ImageOptions) -> float:
    """Estimate a shard's length from below; for `raw` that is nearly its length."""
    if options.encoding == RAW:
        return len(shard.samples) * 3.0 * options.size**2
    if options.encoding == ORIGINAL:
        return float(sum(map(_least_original, shard.samples)))
    scale = (options.quality / 100) ** 2
    square = _LEAST_JPEG_BYTES_PER_PIXEL * scale * options.size**2
    return float(sum(min(sample.size, square) for sample in shard.samples))


def _least_original(sample: Sample) -> float:
    if sample.size > MAX_BYTES:
        return 0  # it will be rejected
    is_jpeg = sample.key.lower().endswith((".jpg", ".jpeg"))
    return sample.size if is_jpeg else sample.size / 10  # a PNG becomes a JPEG


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
