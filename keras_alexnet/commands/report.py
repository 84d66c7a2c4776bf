"""`alexnet report RUN... --out FILE.html`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles

WORST = 12


@dataclass(frozen=True)
class ReportOptions:
    """Write all about a run on one HTML page, or compare several on one.

    Errors with their intervals, recipe, curves, kernels, classes, confusions,
    calibration, the pictures most surely wrong, dataset and versions. The page needs no
    other file and no network, and the same runs give the same bytes.
    """

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Run folder, or several to compare; network folders and exports tell less."""
    out: Path
    """Page to write, FILE.html."""
    data: Path | None = None
    """Dataset folder to count errors on; None: the one that the runs learnt from."""
    split: str = "validation"
    """Split of the dataset."""
    views: Literal[1, 10] = 10
    """1: the centre of each picture; 10: that, and the ten views of the paper."""
    worst: int | None = None
    """Pictures most surely wrong to show, of a single run; None: 12."""


def main(arguments: Sequence[str]) -> int:
    """Evaluate, write the page and print where it is."""
    options = tyro.cli(ReportOptions, args=arguments, prog="alexnet report")
    if options.out.suffix.lower() not in (".html", ".htm"):
        raise UserError(f"Expected a page named .html, got {options.out}.")
    if options.worst is not None and len(options.runs) > 1:
        raise UserError(
            f"Expected one run with --worst, got {len(options.runs)}: a comparison "
            "shows no pictures. Leave it out."
        )
    files = ResultFiles(options.out)
    from keras_alexnet.report.page import render_report

    page = render_report(
        options.runs,
        data=options.data,
        split=options.split,
        views=options.views,
        worst=WORST if options.worst is None else options.worst,
        progress=True,
    ).encode()
    files.write(options.out, page)
    files.close()
    say(f"Report: {options.out}, {len(page) / 1e6:.2f} MB")
    return 0
