"""`alexnet statistics DIR`."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro

from keras_alexnet.options import arguments_of, options_of
from tfrecords.dataset.names import STATISTICS_FILE
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles
from tfrecords.verification.statistics_from_shards import (
    ExampleKeys,
    ShardStatistics,
    compute_statistics,
)

_SHOWN = 20  # classes


@dataclass(frozen=True, kw_only=True)
class _Own:
    """Compute statistics.npz of training shards, also of shards that others made.

    tfds: --image-key image --label-key label. TF-slim and Model Garden: the default
    keys with --label-offset 1. Labels are counted and checked, never changed. The
    result does not depend on the number of processes.
    """

    out: Path | None = None
    """File to write; None: statistics.npz in the folder."""
    force: bool = False
    """Replace a file that differs."""
    json: Path | None = None
    """Write a summary to this file too."""


_Arguments = options_of(
    _Own,
    compute_statistics,
    ExampleKeys,
    directory=tyro.conf.Positional[Path],
    keys=None,  # their fields instead
)


def main(arguments: Sequence[str]) -> int:
    """Compute, write and summarise."""
    options: Any = tyro.cli(_Arguments, args=arguments, prog="alexnet statistics")
    # A file that is there may hold the same already, and then stays as it is.
    new = options.out is not None and not options.out.is_file()
    files = ResultFiles(options.json, options.out if new else None)
    keys = ExampleKeys(**arguments_of(ExampleKeys, options))
    found = compute_statistics(**arguments_of(compute_statistics, options), keys=keys)
    out = options.out or options.directory / STATISTICS_FILE
    text = json.dumps({**asdict(options), **_summary(found, out)}, default=str)
    files.write(options.json, f"{text}\n".encode())
    say(_histogram(found.class_counts))
    say(f"{found.statistics.count:,} pictures in {len(found.shards):,} shards.")
    files.save(out, lambda out: say(_save(found, out, options.force)))
    files.close()
    return 0


def _save(found: ShardStatistics, out: Path, replace: bool) -> str:
    written = found.statistics.save_new(out, replace=replace)
    return f"{out}: {'written' if written else 'the same already'}."


def _summary(found: ShardStatistics, out: Path) -> dict[str, Any]:
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
