"""`alexnet build SOURCE OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from tfrecords.plain_text import say

# As tfrecords.sources.KINDS, which a test compares; to import it takes a second.
Kind = Literal[
    "auto",
    "folder",
    "tar",
    "flat",
    "list",
    "kaggle",
    "csv",
    "classes",
    "tfds",
    "digits",
]


@dataclass(frozen=True)
class BuildOptions:
    """Turn pictures into TFRecord shards, with statistics of the training split.

    The shorter side is scaled to --size and the central square is cut out (section 2 of
    the paper). Content decides a picture's format, not its name. What cannot be used is
    listed in rejected.jsonl with its reason. Stopped or killed, the same command goes
    on with the shards that are missing.
    """

    source: tyro.conf.Positional[str]
    """Folder of pictures (of classes, ILSVRC-2012's tars, Kaggle's, with lists), a tar,
    a list or CSV file, `tfds:NAME`, or `digits`."""
    out: tyro.conf.Positional[Path]
    """Dataset folder, outside SOURCE; made if it is not there."""
    kind: Annotated[Kind, tyro.conf.arg(name="source")] = "auto"
    """Kind of source; auto lets its content tell. classes: each folder in SOURCE is a
    class, also where it is called as a split is."""
    classes: tuple[str, ...] | None = None
    """Only these: a number (the first so many), names, or a file of one name a line."""
    limit: int | None = None
    """At most so many pictures in each split; classes keep their shares."""
    exclude: Path | None = None
    """File that names the pictures to leave out, one a line."""
    relabel: Path | None = None
    """CSV file with the columns file and label: labels to correct."""
    name: str | None = None
    """What shard names start with; None: the source's own."""
    seed: int = 0
    """Of the shuffle and the splits."""
    processes: int | None = None
    """Worker processes; None: one a core. The bytes do not depend on it."""
    runner: str | None = None
    """Apache Beam runner instead, such as DirectRunner; all its workers must see SOURCE
    and OUT under the same paths. Needs the extra beam."""
    beam_options: tuple[str, ...] = ()
    """Of Beam's pipeline, without dashes, such as direct_num_workers=2."""
    shard_size_mb: int = 128
    """Intended size of a shard, 10^6 bytes."""
    shards: int | None = None
    """Shards in each split, instead of --shard-size-mb."""
    encoding: Literal["jpeg", "jpeg-original", "raw"] = "jpeg"
    """What is stored: the square as a JPEG; JPEGs as they came, scaled whenever they
    are read; or the square's pixels, for machines that outrun JPEG decoding."""
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
    fields["source_kind"] = None if kind == "auto" else kind
    fields["classes"] = _classes(options.classes)
    manifest = build(**fields)
    say(f"{manifest.summary()}. Dataset folder: {options.out}")
    if manifest.count("test") and manifest.count("validation"):
        say(
            "Training watches the validation split. The test split is for the last "
            f"figure: alexnet evaluate RUN {options.out} --split test"
        )
    return 0


def _classes(given: Sequence[str] | None) -> int | Sequence[str] | None:
    if given is None or len(given) != 1:
        return given
    if given[0].isdecimal():
        return int(given[0])
    path = Path(given[0])
    if not path.is_file():
        return given
    from tfrecords.text_file import read_text

    return tuple(line for line in read_text(path).split("\n") if line.strip())
