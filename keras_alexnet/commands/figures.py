"""`alexnet figures curves RUN... --out FILE`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from keras_alexnet.figures import FIGURES
from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles


@dataclass(frozen=True)
class FigureOptions:
    """Draw runs. `curves`: their training and validation errors over epochs."""

    paths: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders."""
    out: Path
    """Picture to write: .png, .svg or .pdf."""


def main(arguments: Sequence[str]) -> int:
    """Draw and print where."""
    kind = arguments[0] if arguments else ""
    if kind not in FIGURES:
        raise UserError(
            f"Expected `alexnet figures {'|'.join(FIGURES)} RUN... --out FILE`."
        )
    options = tyro.cli(
        FigureOptions, args=arguments[1:], prog=f"alexnet figures {kind}"
    )
    ResultFiles(options.out)  # refuses what cannot be written
    FIGURES[kind](options.paths, options.out)
    say(f"{kind.capitalize()}: {options.out}")
    return 0
