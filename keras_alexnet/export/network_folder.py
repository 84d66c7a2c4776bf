"""What exports share whose OUT is a network folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_alexnet.export.agreement import check_agreement
from keras_alexnet.export.format import Format
from keras_alexnet.export.model_card import card
from keras_alexnet.export.pictures import ExportPictures, current_pictures
from keras_alexnet.trained.card import NetworkCard
from keras_alexnet.trained.folder import network_digest
from keras_alexnet.trained.names import CARD_FILE
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.trained.new_folder import (
    NetworkFacts,
    check_new_folder,
    new_network_folder,
)
from tfrecords.errors import UserError
from tfrecords.plain_text import say


def card_of(network: TrainedNetwork) -> NetworkCard:
    """Return what a network is; its source is the file in its folder, if it has one."""
    source = {}
    if network.path != Path():
        sha256 = network_digest(network.path)
        source = {"name": network.path.absolute().name, "sha256": sha256}
    return NetworkCard(network.labels, network.config, network.statistics, source)


@contextmanager
def exported_folder(
    network: TrainedNetwork, out: Path | str, kind: Format, *, views: int, top: int
) -> Iterator[Path]:
    """Give a path to write a network to, in the folder OUT that is being made.

    OUT appears, with a model card, labels, configuration and statistics in it, if the
    block ends well and what it wrote answers as the Keras network does.

    Args:
        network: What is exported.
        out: A new folder, or an empty one.
        kind: As what.
        views: 1, because views are for whoever runs the file.
        top: 5, for the same reason.

    Raises:
        UserError: Views or classes were asked for, OUT holds something or cannot be
            written, or the file gives other answers than the network.
    """
    if (views, top) != (1, 5):
        raise UserError(
            f"Expected --views and --top for a SavedModel alone, got {views} and {top} "
            f"for {kind.name}, which is the network without its pictures. Leave them "
            "out."
        )
    check_new_folder(out)
    pictures = current_pictures(network)
    facts = NetworkFacts(
        network.labels, network.config, network.statistics, kind.layout
    )
    with new_network_folder(out, kind.file, facts) as path:
        yield path
        describe_export(path, kind, pictures, path.parent)


def describe_export(
    path: Path, kind: Format, pictures: ExportPictures, folder: Path
) -> None:
    """Check what was written, say how near it is, and write its model card.

    Args:
        path: Of what was written, as `kind.opened` takes it.
        kind: As what.
        pictures: To check with, of the network that it was made of.
        folder: Where all of the export lies, and the card is to.

    Raises:
        UserError: It gives other answers than the network.
    """
    network = pictures.network
    compute = kind.opened(path, network)
    found = check_agreement(compute, pictures, kind.name, quantised=kind.quantised)
    say(f"{kind.name}: {found.text}", error=True)
    files = [file for file in folder.rglob("*") if file.is_file()]
    text = card(pictures, kind, found, sum(f.stat().st_size for f in files) / 1e6)
    (folder / CARD_FILE).write_text(text, encoding="utf-8")
