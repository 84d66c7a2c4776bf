"""`alexnet export NETWORK OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from keras_alexnet.export import EXPORTERS, ExporterName
from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.result_files import check_folder

SAVED_MODEL = "saved_model"
CALIBRATED = "litert-int8"


@dataclass(frozen=True)
class ExportOptions:
    """Write a network in forms that need none of our code, each checked before it is.

    A SavedModel takes pictures. The others are network folders: a file that other
    programs read, and beside it what they need to know of pictures. Each is opened by
    its own runtime and compared with Keras: within 1e-4 of each probability, or, with
    weights of 8 bits, the same likeliest class for nine pictures in ten. README.md
    says how near it is, and how it is used.
    """

    network: tyro.conf.Positional[Path]
    """Run or network folder; the best network of a run is taken."""
    out: tyro.conf.Positional[Path]
    """New folder; to one of SavedModels each adds a version: OUT/1, OUT/2 and so on.
    With several formats each has a folder of its name in it."""
    to: Annotated[tuple[tuple[ExporterName, ...], ...], tyro.conf.UseAppendAction] = ()
    """Formats, one or more; none: saved_model. litert-dynamic has weights of 8 bits,
    litert-int8 activations too, for which it looks at training pictures."""
    check: tuple[Path, ...] = ()
    """Pictures to compare on, or folders of them, at least 32; none: those of the
    dataset."""
    data: Path | None = None
    """Dataset folder of the network, to compare and to calibrate on; None: that of the
    run, if it is there."""
    views: Literal[1, 10] = 1
    """Of SavedModel. 1: the centre; 10: the mean over corners, centre and mirrors."""
    top: int = 5
    """Of SavedModel: classes to name."""


NAMES = {SAVED_MODEL: "SavedModel"}  # of formats, as people write them


def main(arguments: Sequence[str]) -> int:
    """Export and print where."""
    options = tyro.cli(ExportOptions, args=arguments, prog="alexnet export")
    formats = [name for names in options.to for name in names] or [SAVED_MODEL]
    _check_formats(formats, options)
    check_folder(options.out.absolute(), options.out)  # before the network is loaded
    from keras_alexnet.commands.predict import list_pictures
    from keras_alexnet.export.pictures import export_pictures, use_pictures
    from keras_alexnet.trained.opening import load

    network = load(options.network)
    files = list_pictures(options.check) if options.check else ()
    pictures = export_pictures(network, files, options.data)
    if CALIBRATED in formats:
        pictures.training_data()  # before the others are made
    with use_pictures(pictures):
        for name in formats:
            out = options.out / name if len(formats) > 1 else options.out
            views = (options.views, options.top) if name == SAVED_MODEL else (1, 5)
            written = EXPORTERS[name](network, out, views=views[0], top=views[1])
            say(f"{NAMES.get(name, name)}: {written}")
    return 0


def _check_formats(formats: Sequence[str], options: ExportOptions) -> None:
    twice = {name for name in formats if formats.count(name) > 1}
    if twice:
        raise UserError(f"Expected each format once, got {min(twice)} more often.")
    if SAVED_MODEL not in formats and (options.views, options.top) != (1, 5):
        raise UserError(
            f"Expected --views and --top for a SavedModel alone, got {options.views} "
            f"and {options.top} for {', '.join(formats)}: the network without its "
            "pictures. Leave them out."
        )
