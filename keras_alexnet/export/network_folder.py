"""What exports share whose OUT is a network folder."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keras_alexnet.trained.card import NetworkCard
from keras_alexnet.trained.folder import network_digest
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.trained.new_folder import NetworkFacts, new_network_folder
from tfrecords.errors import UserError


def card_of(network: TrainedNetwork) -> NetworkCard:
    """Return what a network is; its source is the file in its folder, if it has one."""
    source = {}
    if network.path != Path():
        sha256 = network_digest(network.path)
        source = {"name": network.path.absolute().name, "sha256": sha256}
    return NetworkCard(network.labels, network.config, network.statistics, source)


@contextmanager
def exported_folder(
    card: NetworkCard, out: Path | str, file: str, *, views: int, top: int
) -> Iterator[Path]:
    """Give a path to write a network to, in the folder OUT that is being made.

    OUT appears with labels, configuration and statistics in it if the block ends well.

    Args:
        card: What the network is.
        out: A new folder, or an empty one.
        file: Name of what is written.
        views: 1, because views are for whoever runs the file.
        top: 5, for the same reason.

    Raises:
        UserError: Views or classes were asked for, or OUT holds something or cannot be
            written.
    """
    if (views, top) != (1, 5):
        raise UserError(
            f"Expected --views and --top for a SavedModel alone, got {views} and {top} "
            f"for {file}, which is the network without its pictures. Leave them out."
        )
    facts = NetworkFacts(card.labels, card.config, card.statistics)
    with new_network_folder(out, file, facts) as path:
        yield path
