"""`alexnet build SOURCE OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class BuildOptions:
    """Turn pictures into TFRecord shards, with statistics of the training split.

    The shorter side is scaled to --size and the central square is cut out (section 2 of
    the paper). Content decides a picture's format, not its name. What cannot be used is
    listed in rejected.jsonl with its reason.
    """

    source: tyro.conf.Positional[str]
    """Folder of pictures (split/class/picture or class/picture), or `digits`."""
    out: tyro.conf.Positional[Path]
    """Dataset folder; made if it is not there."""
    kind: Annotated[
        Literal["auto", "folder", "digits"], tyro.conf.arg(name="source")
    ] = "auto"
    """Kind of source; auto lets its content tell."""
    name: str | None = None
    """What shard names start with; None: the source's own."""
    seed: int = 0
    """Of the shuffle and the splits."""
    processes: int | None = None
    """Worker processes; None: one a core. The bytes do not depend on it."""
    shard_size_mb: int = 128
    """Intended size of a shard, 10^6 bytes."""
    shards: int | None = None
    """Shards in each split, instead of --shard-size-mb."""
    size: int = 256
    """Side of the stored pictures, pixels."""
    quality: int = 95
    """JPEG quality, 1 to 100."""
    filter: Literal["bilinear", "bicubic", "lanczos", "box"] = "bicubic"
    """Resize filter; all are antialiased."""
    subsampling: Literal["4:2:0", "4:2:2", "4:4:4"] = "4:2:0"
    """Of the colour in the stored JPEGs."""
    apply_exif: bool = False
    """Turn pictures as their EXIF orientation says; ILSVRC ignores it."""
    validation_fraction: float | None = None
    """Share of each class for validation; None: 0.1 unless the source has splits."""
    test_fraction: float | None = None
    """Share of each class for test; None: 0.1 for digits, else 0."""
    max_rejected: float = 0.01
    """Largest fraction of unusable pictures before the build stops."""


def main(arguments: Sequence[str]) -> int:
    """Build and print a summary."""
    options = tyro.cli(BuildOptions, args=arguments, prog="alexnet build")
    from tfrecords import build

    fields = {**vars(options)}
    kind = fields.pop("kind")
    manifest = build(**fields, source_kind=None if kind == "auto" else kind)
    print(f"{manifest.summary()}. Dataset folder: {options.out}")
    return 0
