"""`alexnet build SOURCE OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from tfrecords.building.options import BuildOptions
from tfrecords.plain_text import say
from tfrecords.sources import AUTO, KINDS

if TYPE_CHECKING:
    _Kind = str
else:
    _Kind = tyro.extras.literal_type_from_choices((AUTO, *KINDS))


@dataclass(frozen=True, kw_only=True)
class _Arguments(BuildOptions):
    """Turn pictures into TFRecord shards, with statistics of the training split.

    The shorter side is scaled to --size and the central square is cut out (section 2 of
    the paper), unless --resize says otherwise. Content decides a picture's format, not
    its name. What cannot be used is listed in rejected.jsonl with its reason. Stopped
    or killed, the same command goes on with the shards that are missing.
    """

    source: tyro.conf.Positional[str]
    """Folder of pictures (of classes, ILSVRC-2012's tars, Kaggle's, with lists), a tar,
    a list or CSV file, `tfds:NAME`, or `digits`."""
    out: tyro.conf.Positional[Path]
    """Dataset folder, outside SOURCE; made if it is not there."""
    source_kind: Annotated[_Kind, tyro.conf.arg(name="source")] = AUTO
    classes: tuple[str, ...] | None = None
    beam_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Leave all checks to `tfrecords.build`, whose errors are one line."""


def main(arguments: Sequence[str]) -> int:
    """Build and print a summary."""
    options = tyro.cli(_Arguments, args=arguments, prog="alexnet build")
    from tfrecords import build

    manifest = build(options.source, options.out, **_given(options, arguments))
    say(f"{manifest.summary()}. Dataset folder: {options.out}")
    if manifest.count("test") and manifest.count("validation"):
        say(
            "Training watches the validation split. The test split is for the last "
            f"figure: alexnet evaluate RUN {options.out} --split test"
        )
    return 0


def _given(options: _Arguments, arguments: Sequence[str]) -> dict[str, Any]:
    """Return the options that were typed, also where they are the defaults."""
    typed = {word.partition("=")[0].replace("_", "-") for word in arguments}
    given = {
        field.name: getattr(options, field.name)
        for field in fields(BuildOptions)
        if getattr(options, field.name) != field.default
        or f"--{field.name.replace('_', '-')}" in typed
    }
    if "classes" in given:
        given["classes"] = _classes(options.classes)
    return given


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
