"""The runs that a report is about, and the dataset that they are judged on."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keras_alexnet.evaluation.result import Evaluation
from keras_alexnet.figures.curves import read_history
from keras_alexnet.trained.dataset_check import check_fit
from keras_alexnet.trained.names import HISTORY_FILE
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.trained.opening import load
from tfrecords import Manifest
from tfrecords.errors import UserError

MOST_RUNS = 8  # that have a colour of their own


@dataclass(frozen=True)
class ReportedRun:
    """A network and what is known of how it came to be.

    Attributes:
        name: What to call it: the end of its path, as much as tells it from others.
        network: The network; of a run that of the best epoch.
        history: A row of figures for each epoch; empty where it is no run folder.
        evaluations: By number of views; empty where there is no dataset.
    """

    name: str
    network: TrainedNetwork
    history: list[dict[str, float]]
    evaluations: dict[int, Evaluation] = field(default_factory=dict)

    @property
    def best(self) -> Evaluation:
        """The evaluation of most views, which is the most accurate one.

        Raises:
            ValueError: There is none.
        """
        return self.evaluations[max(self.evaluations)]


@dataclass(frozen=True)
class ReportedData:
    """The dataset of a report.

    Attributes:
        folder: Dataset folder.
        manifest: Of it.
        split: Whose pictures are counted.
    """

    folder: Path
    manifest: Manifest
    split: str


def open_runs(paths: Sequence[Path]) -> list[ReportedRun]:
    """Open the networks of a report.

    Args:
        paths: Run folders, network folders or exports, all different.

    Raises:
        UserError: There are none, too many, or twice the same; or one cannot be opened.
    """
    if not 1 <= len(paths) <= MOST_RUNS:
        raise UserError(f"Expected 1 to {MOST_RUNS} runs, got {len(paths)}.")
    if len({path.resolve() for path in paths}) < len(paths):
        names = ", ".join(map(str, paths))
        raise UserError(f"Expected different runs, got one twice: {names}.")
    found = []
    for name, path in zip(distinct_names(paths), paths, strict=True):
        network = load(path)
        history = read_history(path) if (path / HISTORY_FILE).exists() else []
        found.append(ReportedRun(name, network, history))
    return found


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """Return the last parts of different paths, as few as tell them apart.

    The number of an exported version is no name alone.
    """
    parts = [path.resolve().parts for path in paths]
    least = 2 if any(path[-1].isdecimal() for path in parts) else 1
    for depth in range(least, max(map(len, parts)) + 1):
        names = ["/".join(path[-depth:]) for path in parts]
        if len({*names}) == len(names):
            return names
    return ["/".join(path) for path in parts]


def find_data(
    runs: Sequence[ReportedRun], data: Path | None, split: str
) -> ReportedData | str:
    """Return the dataset that a report counts errors on, or why there is none.

    Args:
        runs: Of the report.
        data: Dataset folder; None: the one that the runs learnt from, if it still is
            where it was.
        split: Of which the pictures are counted.

    Raises:
        UserError: `data` does not fit a run or has no such split, or the runs learnt
            from different datasets and `data` is None.
    """
    if data is not None:
        return _opened(runs, data, split)
    kept = {
        Path(run.network.config.control["data"]).resolve()
        for run in runs
        if run.network.config.control is not None
    }
    if not kept:
        return "none is named by an export or a network folder; give one with --data."
    if len(kept) > 1:
        raise UserError(
            f"Expected runs of one dataset, got runs of {len(kept)}: "
            f"{', '.join(sorted(map(str, kept)))}. Say with --data on which to compare."
        )
    try:
        return _opened(runs, kept.pop(), split)
    except UserError as error:
        return f"the one that was learnt from does not serve any more. {error}"


def _opened(runs: Sequence[ReportedRun], data: Path, split: str) -> ReportedData:
    manifest = Manifest.load(data)
    for run in runs:
        network = run.network
        facts = network.config.preprocessing
        check_fit(network.path, network.labels, facts, data, manifest)
    if not manifest.count(split):
        known = ", ".join(name for name in manifest.splits if manifest.count(name))
        raise UserError(
            f"Expected pictures in split {split!r} of {data}, found none. Give with "
            f"--split one of: {known}."
        )
    return ReportedData(data, manifest, split)
