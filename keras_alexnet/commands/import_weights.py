"""`alexnet import-weights FILE OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from keras_alexnet.presets import named_preset
from tfrecords.errors import UserError
from tfrecords.plain_text import say

if TYPE_CHECKING:
    from keras_alexnet.weights.importing import ImportedWeights


@dataclass(frozen=True)
class ImportWeightsOptions:
    """Make a network folder of weights that others trained, for every verb to take.

    The content tells the format; the preprocessing that the weights need goes with
    them. Where a tensor is not as it should be, nothing is written.
    """

    file: tyro.conf.Positional[str]
    """File of weights, or its https:// address, for which --sha256 is needed."""
    out: tyro.conf.Positional[Path]
    """New folder of the network."""
    preset: str | None = None
    """What the weights were trained with; None: shapes and names of layers tell."""
    labels: Path | None = None
    """Text file of the class names, one a line; None: those in FILE, or numbers."""
    mean: Path | None = None
    """Caffe's mean image, .binaryproto, or our statistics.npz; None: a mean colour."""
    sha256: str | None = None
    """What FILE has to hash to."""
    channels: Literal["bgr", "rgb"] | None = None
    """Colour that conv1 in FILE takes first; None: as the format has it."""
    fc6_order: Literal["chw", "hwc"] | None = None
    """How fc6 in FILE takes its maps: whole, or place by place; None likewise."""


def main(arguments: Sequence[str]) -> int:
    """Import, and say what it is and what was made of it."""
    options = tyro.cli(
        ImportWeightsOptions, args=arguments, prog="alexnet import-weights"
    )
    if options.preset is not None:
        named_preset(options.preset)  # before a large file is read
    from keras_alexnet.trained.misfit import WeightsMisfit, print_misfits
    from keras_alexnet.weights.importing import import_weights

    try:
        found = import_weights(
            options.file,
            options.out,
            preset=options.preset,
            labels=options.labels,
            mean=options.mean,
            sha256=options.sha256,
            channels=options.channels,
            fc6_order=options.fc6_order,
        )
    except WeightsMisfit as error:
        print_misfits(error.rows)
        raise UserError(str(error)) from None
    _tell(found, options.out)
    return 0


def _tell(found: "ImportedWeights", out: Path) -> None:
    name = found.published and found.published.name
    said = f"is the published {name}" if name else "is no published file that we know"
    say(f"{found.format}, SHA-1 {found.sha1}: {said}.")
    rule = found.rule
    if not rule.mean.any():
        mean = "nothing"
    elif rule.mean.ndim == 1:
        colour = ", ".join(f"{value:g}" for value in rule.mean)
        mean = f"the mean colour ({colour})"
    else:
        mean = f"the mean image, cut at the {rule.mean_at}"
    resize = {"warp": "both sides", "short_side": "the shorter side"}[rule.resize]
    say(
        f"Preset {found.preset}, {found.classes:,} classes. Pictures: {resize} scaled "
        f"to {rule.stored_size} ({rule.resize_filter}), RGB less {mean}."
    )
    say(f"Network folder: {out}")
