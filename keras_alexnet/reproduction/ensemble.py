"""What several networks say together (section 6.1, table 2)."""

import functools
from collections.abc import Sequence
from pathlib import Path

from keras_alexnet.record import Figure
from keras_alexnet.reproduction.ablations import BASE
from keras_alexnet.reproduction.experiment import (
    JOINT,
    Experiment,
    Finished,
    Outcome,
    every_seed,
    values,
)
from keras_alexnet.reproduction.run import TEN_VIEWS, ten_views_error
from keras_alexnet.trained.opening import load

SIZES = (1, 3, 5)  # networks


def _name(count: int) -> str:
    return f"error of {count} together, ten views"


def together(runs: Sequence[Path], data: Path) -> list[Figure]:
    """Evaluate the first one, three and five runs, probabilities averaged.

    Args:
        runs: Their folders.
        data: Dataset folder.
    """
    networks = [load(run) for run in runs[: max(SIZES)]]
    return [
        ten_views_error(_name(count), networks[:count], data)
        for count in SIZES
        if count <= len(networks)
    ]


def alone_and_together(
    finished: Finished, arm: str, published: str = "", published_five: str = ""
) -> list[Outcome]:
    """Return the errors of an arm's runs, one at a time and as `together` has them.

    Args:
        finished: The records.
        arm: Its name.
        published: Error of one network.
        published_five: Error of five.
    """
    alone = values(finished, arm, TEN_VIEWS)
    lines = [Outcome("each alone, ten views", published, alone)]
    joint = finished.get((JOINT, 0))
    figures = {figure.name: figure.value for figure in joint.figures} if joint else {}
    for count in SIZES:
        found = figures.get(_name(count))
        each = () if found is None else (float(found),)
        of_five = published_five if count == 5 else ""
        lines.append(Outcome(_name(count), of_five, each))
    return lines


ENSEMBLE = Experiment(
    "ensemble",
    "The mean of five similar nets takes the top-1 error from 40.7 to 38.1 %, the "
    "top-5 error from 18.2 to 16.4 % (table 2).",
    "Imagenette",
    every_seed([BASE]),
    functools.partial(
        alone_and_together,
        arm=BASE.name,
        published="40.7 (one net)",
        published_five="38.1",
    ),
    seeds=max(SIZES),
    fixed_drops=True,
    joint=together,
    note="Means of probabilities over networks and ten views, all weights equal. The "
    "paper's figures are of the validation pictures of ILSVRC-2012.",
)
