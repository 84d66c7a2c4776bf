"""One run of an experiment: trained, however often it is cut, and measured."""

import json
from collections.abc import Sequence
from pathlib import Path

import keras

from keras_alexnet.evaluation.accuracy import evaluate
from keras_alexnet.presets import AnyPreset
from keras_alexnet.record import Figure, Record
from keras_alexnet.reproduction.arm import Arm
from keras_alexnet.trained.config_file import read_config
from keras_alexnet.trained.names import CONFIG_FILE
from keras_alexnet.trained.network import TrainedNetwork
from keras_alexnet.trained.opening import load
from keras_alexnet.training.control import Control
from keras_alexnet.training.fit import train
from keras_alexnet.training.run_dataset import RunDataset
from tfrecords.errors import UserError

# Names of figures; percentages of pictures.
LAST_ERROR = "error, centre view"  # after the last epoch
BEST_ERROR = "error of the best epoch, centre view"
TEN_VIEWS = "error, ten views"  # of the best epoch
TRAINING_ERROR = "training error"  # of the last epoch, as pictures were seen
EPOCHS_TO_25 = "epochs to 25 % training error"
EPOCHS = "epochs"
MINUTES = "minutes of training"
SUBJECT = "reproduction"
_AT_ONCE = 5  # epochs, of a run that ends at an error


def train_arm(
    arm: Arm, preset: AnyPreset, data: Path, run: Path, *, cache: bool = False
) -> list[dict]:
    """Train until the last epoch or the error of the arm; go on where it was cut.

    Args:
        arm: What is trained.
        preset: Its network and recipe.
        data: Dataset folder.
        run: Run folder, new or begun.
        cache: Whether to hold the decoded training pictures in memory.

    Returns:
        One row an epoch, as `history.csv` has them.

    Raises:
        UserError: As `train`.
        Interrupted: It was stopped; the state is saved.
    """
    last = preset.recipe.last_epoch
    epochs = last if arm.until is None else min(_AT_ONCE, last)
    while True:
        keras.utils.clear_session()
        wanted = preset.replace(epochs=epochs)
        begun = (run / CONFIG_FILE).exists()
        if begun:
            wanted = _same_as_begun(wanted, run)
        control = Control(data=data, run=run, resume=begun, keep=1, cache=cache)
        progress = train(wanted, control)
        reached = arm.until is not None and any(
            row["error"] <= arm.until for row in progress.history
        )
        if epochs == last or reached:
            return progress.history
        epochs = min(epochs + _AT_ONCE, last)


def _same_as_begun(preset: AnyPreset, run: Path) -> AnyPreset:
    """Return a preset with what the run chose for itself.

    Raises:
        UserError: The run was begun as another.
    """
    begun = read_config(run).preset
    names = ("precision", "xla", "read_run")
    chosen = {name: getattr(begun.recipe, name) for name in names}
    if preset.recipe.precision != "auto":
        del chosen["precision"]
    wanted = preset.replace(**chosen)
    if wanted.replace(epochs=begun.recipe.epochs) != begun:
        raise UserError(
            f"Expected the run {run} to be what was asked for, found one that was "
            "begun with other options. Take another folder for OUT."
        )
    return wanted


def measured_run(
    name: str,
    arm: Arm,
    seed: int,
    run: Path,
    history: list[dict],
    data: Path,
    more: Sequence[Figure] = (),
) -> Record:
    """Return the record of a finished run.

    Args:
        name: Of the experiment.
        arm: What was trained.
        seed: Of the run.
        run: Its folder.
        history: One row an epoch.
        data: Dataset folder; its validation pictures, or those of the test where there
            are none, give the errors.
        more: Further figures of it.
    """
    config = json.loads((run / CONFIG_FILE).read_text())
    options = {
        **{"experiment": name, "arm": arm.name, "seed": seed},
        **{"preset": arm.preset, "overrides": dict(arm.overrides)},
        "recipe": config["recipe"],
        "input_size": config["network"]["input_size"],
        "training_error": [round(100 * row["error"], 3) for row in history],
        "validation_error": [round(100 * row["val_error"], 3) for row in history],
        "learning_rate": [row["learning_rate"] for row in history],
    }
    figures = [*_of_history(history), *_of_views(run, data), *more]
    return Record.now(SUBJECT, run_title(name, arm, seed), figures, (), options)


def run_title(experiment: str, arm: Arm, seed: int) -> str:
    """Return the title of a run's record."""
    return f"{experiment}: {arm.name}, seed {seed}"


def read_errors(record: Record) -> list[dict[str, float]]:
    """Return the rows that `measured_run` took from a run's history, one an epoch.

    Args:
        record: Of a run; one of before records had rates counts as of one rate.
    """
    training = record.options["training_error"]
    validation = record.options["validation_error"]
    rates = record.options.get("learning_rate", [1.0] * len(training))
    columns = zip(training, validation, rates, strict=True)
    return [
        {"epoch": epoch, "error": error / 100, "val_error": watched / 100}
        | {"learning_rate": rate}
        for epoch, (error, watched, rate) in enumerate(columns, 1)
    ]


def _of_history(history: list[dict]) -> list[Figure]:
    last = history[-1]
    minutes = sum(row["seconds"] for row in history) / 60
    reached = epochs_to([row["error"] for row in history], 0.25)
    return [
        Figure(LAST_ERROR, 100 * last["val_error"], "%"),
        Figure(BEST_ERROR, 100 * min(row["val_error"] for row in history), "%"),
        Figure(TRAINING_ERROR, 100 * last["error"], "%"),
        Figure(EPOCHS_TO_25, reached, "epochs"),
        Figure(EPOCHS, len(history)),
        Figure(MINUTES, minutes, "min"),
    ]


def _of_views(run: Path, data: Path) -> list[Figure]:
    """Evaluate ten views, where crops are smaller than what is stored."""
    network = load(run)
    facts = network.config.preprocessing
    if facts["stored_size"] == facts["input_size"]:
        return []
    return [ten_views_error(TEN_VIEWS, [network], data)]


def ten_views_error(
    name: str, networks: Sequence[TrainedNetwork], data: Path
) -> Figure:
    """Return the error of networks together, on the split that training watches."""
    found = evaluate(networks, data, views=10, split=watched_split(data))
    low, high = (100 * each for each in found.top1_interval)
    beside = f"95 % interval {low:.2f} to {high:.2f} %, {found.images:,} pictures"
    return Figure(name, 100 * found.top1_error, "%", beside)


def watched_split(data: Path) -> str:
    """Return the split that training watches."""
    return RunDataset.read(data).validation_split


def epochs_to(errors: list[float], threshold: float) -> float | None:
    """Return after how many epochs errors first were at a threshold; None: never.

    Between two epochs they are taken to fall evenly.
    """
    for index, error in enumerate(errors):
        if error > threshold:
            continue
        if index == 0:
            return 1.0
        before = errors[index - 1]
        return index + (before - threshold) / (before - error)
    return None
