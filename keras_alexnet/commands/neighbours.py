"""`alexnet neighbours NETWORK INDEX QUERY...`."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from keras_alexnet.commands.predict import list_pictures
from tfrecords.plain_text import say
from tfrecords.ranges import check_count
from tfrecords.result_files import ResultFiles
from tfrecords.tables import Console, Table


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
    from keras_alexnet.figures.neighbours import (
        check_sheet,
        draw_sheet,
        sheet_caption,
    )

    if options.sheet is not None:
        check_sheet(options.sheet, len(paths), options.count)
    from keras_alexnet.trained.neighbour_search import NeighbourSearch
    from keras_alexnet.trained.opening import load

    search = NeighbourSearch(load(options.network), options.index, options.layer)
    answers = search.answers(paths, options.count)
    document = json.dumps(answers, indent=1, allow_nan=False)
    files.write(options.json, (document + "\n").encode())
    answered = [answer for answer in answers if not answer["error"]]
    _print_table(answered)
    if answered:
        caption = sheet_caption(
            options.network, options.index, paths, options.count, options.layer
        )
        files.save(options.sheet, lambda out: draw_sheet(answered, out, caption))
    failed = [answer for answer in answers if answer["error"]]
    for answer in failed:
        say(f"{answer['file']}: {answer['error']}", error=True)
    files.close()
    return 1 if failed else 0


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
