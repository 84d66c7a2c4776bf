"""`alexnet export NETWORK OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from keras_alexnet.export import EXPORTERS, ExporterName
from tfrecords.plain_text import say
from tfrecords.result_files import check_folder


@dataclass(frozen=True)
class ExportOptions:
    """Write a network in a form that needs none of our code.

    A SavedModel takes pictures. The others are network folders: the weights in a file
    that other programs read, and beside it what they need to know of pictures.
    """

    network: tyro.conf.Positional[Path]
    """Run or network folder; the best network of a run is taken."""
    out: tyro.conf.Positional[Path]
    """New folder; to one of SavedModels each adds a version: OUT/1, OUT/2 and so on."""
    to: ExporterName = "saved_model"
    """Format."""
    views: Literal[1, 10] = 1
    """Of SavedModel. 1: the centre; 10: the mean over corners, centre and mirrors."""
    top: int = 5
    """Of SavedModel: classes to name."""


NAMES = {"saved_model": "SavedModel"}  # of formats, as people write them


def main(arguments: Sequence[str]) -> int:
    """Export and print where."""
    options = tyro.cli(ExportOptions, args=arguments, prog="alexnet export")
    check_folder(options.out.absolute(), options.out)  # before the network is loaded
    from keras_alexnet.trained.opening import load

    written = EXPORTERS[options.to](
        load(options.network), options.out, views=options.views, top=options.top
    )
    say(f"{NAMES.get(options.to, options.to)}: {written}")
    return 0
