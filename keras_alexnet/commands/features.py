"""`alexnet features NETWORK PICTURES... --layer LAYER --out FILE`."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from keras_alexnet.commands.predict import list_pictures
from tfrecords.dataset.names import MANIFEST_FILE
from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.result_files import ResultFiles
from tfrecords.text_file import read_text

if TYPE_CHECKING:
    from keras_alexnet.inference.named_pictures import PictureList
    from keras_alexnet.trained.network import TrainedNetwork


@dataclass(frozen=True, kw_only=True)
class FeatureOptions:
    """Write what layers of a network make of the centre view of pictures.

    `alexnet describe NETWORK` names the layers. A file that cannot be read is named
    with its reason and has no row, and the exit status is then 1. FILE.json, beside
    FILE, says which picture is which row. What is done when it is interrupted is kept:
    the same command goes on.
    """

    network: tyro.conf.Positional[Path]
    """Run folder or network folder; an export has no layers."""
    pictures: tyro.conf.Positional[tuple[Path, ...]] = ()
    """Pictures, or folders of them; with --split, a dataset folder."""
    layer: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Layer by its name: conv5, fc6_pre (before the ReLU), conv5_tower1 (half of the
    channels), ...; torchvision's names for one_weird_trick. Again for more layers;
    none: the one below the head, fc7."""
    out: Path
    """File to write: .npz, .npy (one layer, to be mapped), .h5, .mat, .parquet (needs
    the extra keras-alexnet[features]) or .tfrecord."""
    order: Literal["HWC", "CHW"] = "HWC"
    """Order of rows, columns and channels of maps."""
    dtype: Literal["float32", "float16"] = "float32"
    """Type of the numbers; they are computed in float32."""
    list: Path | None = None
    """Text file of more pictures, one path a line, from the folder of the list."""
    split: str | None = None
    """Split of the dataset folder, whose labels are written too."""


def main(arguments: Sequence[str]) -> int:
    """Extract, and say what was written and left out."""
    options = tyro.cli(FeatureOptions, args=arguments, prog="alexnet features")
    ResultFiles(options.out)  # refuses what cannot be written
    from keras_alexnet.inference.feature_files.extraction import Extraction
    from keras_alexnet.models.layer_names import last_layer
    from keras_alexnet.trained.opening import load

    network = load(options.network)
    asked = options.layer or (last_layer(network.config.preset),)
    extractor = network.extractor(asked)
    names = [choice.name for choice in network.layers(asked)]
    _check_once(names)
    for name, ours in zip(asked, names, strict=True):
        if name != ours:
            say(f"{name} is {ours}")
    extraction = Extraction(
        extractor,
        names,
        find_pictures(options, network),
        options.order,
        options.dtype,
        _card(network),
    )
    options.out.parent.mkdir(parents=True, exist_ok=True)
    table = extraction.write(options.out)
    for file, reason in table.left_out:
        say(f"{file}: {reason}", error=True)
    left_out = f", {len(table.left_out):,} left out" if table.left_out else ""
    say(f"{options.out}: {', '.join(names)} of {len(table.paths):,} pictures{left_out}")
    return 1 if table.left_out else 0


def find_pictures(options: FeatureOptions, network: "TrainedNetwork") -> "PictureList":
    """Return the pictures that are named, in the order in which they are.

    Raises:
        UserError: There are none, a path does not exist, or a dataset folder has no
            such split or pictures of another size or filter.
    """
    from keras_alexnet.inference.named_pictures import FileList

    if options.split is not None:
        return _split(options, network)
    for path in options.pictures:
        if (path / MANIFEST_FILE).exists():
            raise UserError(
                f"Expected --split with the dataset folder {path}, got none. Say which "
                "split: --split validation."
            )
    listed = [] if options.list is None else _listed(options.list)
    if options.pictures or not listed:
        return FileList([*list_pictures(options.pictures), *listed])
    return FileList(listed)


def _split(options: FeatureOptions, network: "TrainedNetwork") -> "PictureList":
    from keras_alexnet.data.records import open_split
    from keras_alexnet.inference.named_pictures import SplitPictures

    if len(options.pictures) != 1 or options.list is not None:
        raise UserError(
            f"Expected one dataset folder with --split {options.split}, got "
            f"{len(options.pictures)} paths{' and a list' if options.list else ''}."
        )
    (folder,) = options.pictures
    size = network.config.preprocessing["input_size"]
    return SplitPictures(open_split(folder, options.split or "", size))


def _listed(file: Path) -> list[Path]:
    try:
        lines = read_text(file).split("\n")
    except (OSError, ValueError) as error:
        raise UserError(f"Cannot read the list {file}: {error}.") from None
    return [file.parent / line for line in lines if line.strip()]


def _check_once(names: Sequence[str]) -> None:
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(
            f"Expected each layer once, got {twice[0]} twice. Leave one out."
        )


def _card(network: "TrainedNetwork") -> dict[str, Any]:
    """Return what is to be known of a network whose features one has."""
    from keras_alexnet.trained.folder import network_digest

    return {
        "path": os.fspath(network.path),
        "preset": network.config.preset.name,
        "sha256": network_digest(network.path),
        "classes": len(network.labels),
        "preprocessing": network.config.preprocessing,
    }
