"""`alexnet statistics DIR`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tyro

if TYPE_CHECKING:
    from tfrecords.verification.statistics_from_shards import ShardStatistics

_SHOWN = 20  # classes


@dataclass(frozen=True)
class StatisticsOptions:
    """Compute statistics.npz of training shards, also of shards that others made.

    tfds: --image-key image --label-key label. TF-slim and Model Garden: the default
    keys with --label-offset 1. Labels are counted and checked, never changed. The
    result does not depend on the number of processes.
    """

    directory: tyro.conf.Positional[Path]
    """Folder of TFRecord shards."""
    pattern: str | None = None
    """Glob of the training shards, such as `train-*`; None: the manifest's training
    split, or the usual names."""
    image_key: str = "image/encoded"
    """Key of the encoded picture."""
    label_key: str = "image/class/label"
    """Key of the label; an empty string counts none."""
    label_offset: int = 0
    """Label of the first class; 1 where 0 is the background."""
    size: int | None = None
    """Side in pixels, to which other pictures are scaled and cut; None: the manifest's,
    or 256."""
    processes: int | None = None
    """Worker processes; None: one a core."""
    out: Path | None = None
    """File to write; None: statistics.npz in the folder."""
    force: bool = False
    """Replace a file that differs."""
    json: Path | None = None
    """Write a summary to this file too."""


def main(arguments: Sequence[str]) -> int:
    """Compute, write and summarise."""
    options = tyro.cli(StatisticsOptions, args=arguments, prog="alexnet statistics")
    from tfrecords.dataset.names import STATISTICS_FILE
    from tfrecords.plain_text import say
    from tfrecords.result_files import ResultFiles
    from tfrecords.verification.statistics_from_shards import (
        ExampleKeys,
        compute_statistics,
    )

    # A file that is there may hold the same already, and then stays as it is.
    new = options.out is not None and not options.out.is_file()
    files = ResultFiles(options.json, options.out if new else None)
    found = compute_statistics(
        options.directory,
        pattern=options.pattern,
        keys=ExampleKeys(
            options.image_key, options.label_key or None, options.label_offset
        ),
        size=options.size,
        processes=options.processes,
    )
    out = options.out or options.directory / STATISTICS_FILE
    text = json.dumps({**asdict(options), **_summary(found, out)}, default=str)
    files.write(options.json, f"{text}\n".encode())
    say(_histogram(found.class_counts))
    say(f"{found.statistics.count:,} pictures in {len(found.shards):,} shards.")
    files.save(out, lambda out: say(_save(found, out, options.force)))
    files.close()
    return 0


def _save(found: "ShardStatistics", out: Path, replace: bool) -> str:
    written = found.statistics.save_new(out, replace=replace)
    return f"{out}: {'written' if written else 'the same already'}."


def _summary(found: "ShardStatistics", out: Path) -> dict[str, Any]:
    statistics = found.statistics
    return {
        "out": str(out),
        "shards": found.shards,
        "count": statistics.count,
        "size": statistics.mean_image.shape[0],
        "class_counts": found.class_counts,
        "channel_means": statistics.channel_means.tolist(),
        "stddevs": statistics.stddevs.tolist(),
        "eigenvectors": statistics.eigenvectors.tolist(),
    }


def _histogram(counts: tuple[int, ...]) -> str:
    if not counts:
        return "Labels were not counted."
    shown = ", ".join(f"{label}: {n:,}" for label, n in enumerate(counts[:_SHOWN]))
    more = f", and {len(counts) - _SHOWN:,} more" if len(counts) > _SHOWN else ""
    return (
        f"Records by label: {shown}{more}. Labels 0 to {len(counts) - 1:,}, "
        f"{min(counts):,} to {max(counts):,} records each."
    )
