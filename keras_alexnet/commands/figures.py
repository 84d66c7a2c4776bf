"""`alexnet figures KIND PATHS... --out FILE`."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docstring_parser
import tyro

from keras_alexnet.device_memory import grow_gpu_memory
from keras_alexnet.figures import FIGURES, SUBJECTS
from keras_alexnet.options import arguments_of, options_of
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles
from tfrecords.streams import import_tensorflow_silently

# They only read, and need not wait for TensorFlow.
_READERS = {"curves", "confusion", "reliability", "receptive_fields"}


@dataclass(frozen=True)
class FigureOptions:
    """A figure; the other options are the arguments of its function."""

    out: Path
    """Picture to write: .png, .svg or .pdf."""


def main(arguments: Sequence[str]) -> int:
    """Draw and print where."""
    if not arguments or arguments[0] in ("--help", "-h", "help"):
        _list_kinds(error=not arguments)
        return 0 if arguments else 2
    kind = arguments[0]
    draw = FIGURES[kind]
    asked_for_help = bool({"-h", "--help"} & {*arguments})
    if kind not in _READERS and not asked_for_help:
        import_tensorflow_silently()
        grow_gpu_memory()
    options: Any = tyro.cli(
        options_of(FigureOptions, draw, paths=tyro.conf.Positional[tuple[Path, ...]]),
        args=arguments[1:],
        prog=f"alexnet figures {kind}",
        description=_description(draw.__doc__ or ""),
    )
    ResultFiles(options.out)  # refuses what cannot be written
    draw(**arguments_of(draw, options))
    say(f"{kind.capitalize().replace('_', ' ')}: {options.out}")
    return 0


def _description(text: str) -> str:
    parsed = docstring_parser.parse(text)
    parts = (parsed.short_description, parsed.long_description)
    return "\n\n".join(part for part in parts if part)


def _list_kinds(error: bool) -> None:
    print(
        "usage: alexnet figures KIND PATHS... --out FILE\n\nkinds:",
        *(
            f"  {f'{kind} {SUBJECTS[kind][0]}':36} {SUBJECTS[kind][1]}"
            for kind in FIGURES
        ),
        "\nalexnet figures KIND --help shows the options of one.",
        sep="\n",
        file=sys.stderr if error else sys.stdout,
    )
