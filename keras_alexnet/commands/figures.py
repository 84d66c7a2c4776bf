"""`alexnet figures curves RUN... --out FILE`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from tfrecords.errors import DatasetError
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles


@dataclass(frozen=True)
class CurvesOptions:
    """Draw the training and validation errors of runs over epochs."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folders."""
    out: Path
    """Picture to write: .png, .svg or .pdf."""


def main(arguments: Sequence[str]) -> int:
    """Draw and print where."""
    if not arguments or arguments[0] != "curves":
        raise DatasetError("Expected `alexnet figures curves RUN... --out FILE`.")
    options = tyro.cli(CurvesOptions, args=arguments[1:], prog="alexnet figures curves")
    ResultFiles(options.out)  # refuses what cannot be written
    from keras_alexnet.figures.curves import plot_curves

    plot_curves(options.runs, options.out)
    say(f"Curves: {options.out}")
    return 0
