"""What can be chosen of a build, by the function `build` and by `alexnet build`."""

import inspect
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from tfrecords.building.plan import SHARD_SIZE_MB
from tfrecords.errors import UserError
from tfrecords.images.options import RAW, ImageOptions
from tfrecords.processes import check_processes
from tfrecords.ranges import check_number
from tfrecords.sources import AUTO

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True)
class BuildOptions(ImageOptions):
    """How a dataset folder is built of pictures.

    The text below each field is its help on the command line.
    """

    source_kind: str | None = AUTO
    """Kind of source; auto lets its content tell. classes: each folder in SOURCE is a
    class, also where it is called as a split is."""
    classes: int | Sequence[str] | None = None
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
    beam_options: Sequence[str] = ()
    """Of Beam's pipeline, without dashes, such as direct_num_workers=2."""
    shard_size_mb: int = SHARD_SIZE_MB
    """Intended size of a shard, 10^6 bytes."""
    shards: int | None = None
    """Shards in each split, instead of --shard-size-mb."""
    validation_fraction: float | None = None
    """Share of each class for validation; None: 0.1 unless the source has splits."""
    test_fraction: float | None = None
    """Share of each class for test; None: 0.1 for digits, else 0."""
    max_rejected: float = 0.01
    """Largest fraction of unusable pictures before the build stops."""
    timings: bool = False
    """Say at the end where the seconds went: by phase, parent and workers apart."""

    def __post_init__(self):
        check_number("max_rejected", self.max_rejected, least=0, most=1)
        check_processes(self.processes)
        if self.runner is None and self.beam_options:
            raise UserError("Expected a --runner for the --beam-options; got none.")
        if self.runner is not None and self.processes is not None:
            raise UserError(
                "Expected --processes or --runner, got both. Beam's runners have "
                "options of their own, such as --beam-options direct_num_workers=2."
            )
        super().__post_init__()

    def check_effect(self, given: Collection[str]) -> None:
        """Refuse what was given and changes nothing.

        Args:
            given: names of the options that the caller gave, also with their defaults.

        Raises:
            UserError: one of them has no effect beside the others.
        """
        if self.encoding == RAW:
            for name in ("quality", "subsampling"):
                _refuse_if(name in given, name, "encoding raw, which stores no JPEG")
        if self.shards is not None:
            fixed = "shards, whose number fixes their size"
            _refuse_if("shard_size_mb" in given, "shard_size_mb", fixed)

    @property
    def images(self) -> ImageOptions:
        """What concerns the pictures alone."""
        names = [field.name for field in fields(ImageOptions)]
        return ImageOptions(**{name: getattr(self, name) for name in names})

    @property
    def selection(self) -> dict[str, Any]:
        """What is taken of the source; see `tfrecords.sources.selection.select`."""
        names = ("classes", "limit", "exclude", "relabel")
        return {name: getattr(self, name) for name in names}


def _refuse_if(given: bool, name: str, beside: str) -> None:
    if given:
        option = f"--{name.replace('_', '-')}"
        raise UserError(f"Expected no {name} with {beside}. Leave {option} out.")


def takes_options(function: F) -> F:
    """Show the fields of `BuildOptions` in a function's signature for `**options`."""
    own = inspect.signature(function)
    hints = get_type_hints(BuildOptions)
    options = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in fields(BuildOptions)
    ]
    named = [
        parameter
        for parameter in own.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    signature = own.replace(parameters=[*named, *options])
    function.__dict__["__signature__"] = signature
    return function
