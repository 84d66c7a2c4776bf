"""`alexnet export RUN OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from tfrecords.plain_text import say


@dataclass(frozen=True)
class ExportOptions:
    """Write a SavedModel that takes pictures' bytes and needs none of our code."""

    run: tyro.conf.Positional[Path]
    """Run folder; its best network is taken."""
    out: tyro.conf.Positional[Path]
    """Folder of the model; each export adds a version: OUT/1, OUT/2 and so on."""
    views: Literal[1, 10] = 1
    """1: the centre; 10: the mean over corners, centre and mirrors."""
    top: int = 5
    """Classes to name."""


def main(arguments: Sequence[str]) -> int:
    """Export and print where."""
    options = tyro.cli(ExportOptions, args=arguments, prog="alexnet export")
    from keras_alexnet.export.saved_model import export_saved_model

    version = export_saved_model(
        options.run, options.out, num_views=options.views, top=options.top
    )
    say(f"SavedModel: {version}")
    return 0
