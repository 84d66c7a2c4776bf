"""`alexnet neighbours NETWORK INDEX QUERY...`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro

from keras_alexnet.commands.predict import list_pictures
from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.ranges import check_count
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table

if TYPE_CHECKING:
    from keras_alexnet.inference.feature_files.index import FeatureIndex
    from keras_alexnet.trained.network import TrainedNetwork


@dataclass(frozen=True)
class NeighbourOptions:
    """Find the pictures of an index that a network sees as nearest (section 6.1).

    The distance is Euclidean, between the features of a layer. A file that cannot be
    read is named with its reason, and the exit status is then 1.
    """

    network: tyro.conf.Positional[Path]
    """Run folder or network folder that the index was made with."""
    index: tyro.conf.Positional[Path]
    """File of alexnet features: .npy, .npz or .h5, with its .json beside it."""
    queries: tyro.conf.Positional[tuple[Path, ...]]
    """Pictures, or folders of them."""
    layer: str | None = None
    """Layer of the index whose features are compared; None: the one below the head,
    fc7."""
    count: int = 5
    """Neighbours of each picture."""
    json: Path | None = None
    """Write all to this file, one JSON list."""
    sheet: Path | None = None
    """Draw all to this file, .png, .svg or .pdf: a row a picture, its neighbours beside
    it, as in figure 4."""


def main(arguments: Sequence[str]) -> int:
    """Search, print a table and write the file that was asked for."""
    options = tyro.cli(NeighbourOptions, args=arguments, prog="alexnet neighbours")
    check_count("count", options.count)
    files = ResultFiles(options.json, options.sheet)
    paths = list_pictures(options.queries)
    from keras_alexnet.figures.neighbours import check_sheet, draw_sheet

    if options.sheet is not None:
        check_sheet(options.sheet, len(paths), options.count)
    from keras_alexnet.inference.feature_files.index import FeatureIndex
    from keras_alexnet.models.layer_names import last_layer
    from keras_alexnet.trained.opening import load

    network = load(options.network)
    (choice,) = network.layers([options.layer or last_layer(network.config.preset)])
    index = FeatureIndex(options.index, choice.name)
    answers = find_neighbours(network, index, choice.name, paths, options.count)
    document = json.dumps(answers, indent=1, allow_nan=False)
    files.write(options.json, (document + "\n").encode())
    answered = [answer for answer in answers if not answer["error"]]
    _print_table(answered)
    if answered:
        files.save(options.sheet, lambda out: draw_sheet(answered, out))
    failed = [answer for answer in answers if answer["error"]]
    for answer in failed:
        say(f"{answer['file']}: {answer['error']}", error=True)
    files.close()
    return 1 if failed else 0


def find_neighbours(
    network: "TrainedNetwork",
    index: "FeatureIndex",
    layer: str,
    paths: Sequence[Path],
    count: int,
) -> list[dict[str, Any]]:
    """Return for each picture its file, its neighbours, nearest first, and its error.

    A neighbour has `file`, `distance`, `row` and `label` (None without labels).

    Raises:
        UserError: The index was made with another network.
    """
    from keras_alexnet.inference.features import answers_in_batches
    from keras_alexnet.inference.neighbours import nearest_rows
    from keras_alexnet.trained.folder import network_digest

    extractor = network.extractor([layer])
    if network_digest(network.path) != index.network:
        raise UserError(
            f"Expected an index of the network {network.path}, got one of another "
            f"network or epoch (SHA-256 {index.network}). Write it again with: alexnet "
            "features."
        )
    said: list[dict[str, Any]] = []
    queries = []
    for path, answer in zip(paths, answers_in_batches(paths, extractor), strict=True):
        error = answer if isinstance(answer, str) else ""
        said.append({"file": str(path), "neighbours": [], "error": error})
        if not isinstance(answer, str):
            queries.append(answer[0].reshape(-1))
    if queries:
        nearest = nearest_rows(np.stack(queries), index.blocks(), count)
        found = (each for each in said if not each["error"])
        for each, distances, rows in zip(found, *nearest, strict=True):
            each["neighbours"] = _named(distances, rows, index)
    return said


def _named(
    distances: np.ndarray, rows: np.ndarray, index: "FeatureIndex"
) -> list[dict[str, Any]]:
    labels = index.labels
    return [
        {
            "file": index.files[row],
            "distance": distance,
            "row": row,
            "label": None if labels is None else labels[row],
        }
        for distance, row in zip(distances.tolist(), rows.tolist(), strict=True)
    ]


def _print_table(answers: Sequence[dict[str, Any]]) -> None:
    if not answers:
        return
    table = Table()
    for title in ("picture", "neighbour"):
        table.add_column(title, overflow="fold")
    table.add_column("distance", justify="right", no_wrap=True)
    for answer in answers:
        for place, near in enumerate(answer["neighbours"]):
            name = answer["file"] if place == 0 else ""
            table.add_row(name, near["file"], f"{near['distance']:.4g}")
    Console().print(table)
