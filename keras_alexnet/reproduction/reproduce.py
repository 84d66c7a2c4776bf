"""Run an experiment to its end, however often it is cut."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from keras_alexnet.figures.canvas import captioned_figure
from keras_alexnet.figures.caption import Caption
from keras_alexnet.figures.curves import MOST_RUNS, plot_errors
from keras_alexnet.record import Record
from keras_alexnet.reproduction.arm import Arm
from keras_alexnet.reproduction.experiment import (
    JOINT,
    Conditions,
    Experiment,
    Finished,
)
from keras_alexnet.reproduction.run import (
    SUBJECT,
    measured_run,
    read_errors,
    run_title,
    train_arm,
)
from keras_alexnet.training.run_folder import HeldRunError
from tfrecords import Manifest
from tfrecords.errors import UserError
from tfrecords.plain_text import say

RUNS = "runs"


def reproduce(
    experiment: Experiment,
    data: Path,
    out: Path,
    *,
    seeds: int | None = None,
    conditions: Conditions,
    cache: bool = False,
    xla: bool | None = None,
) -> Finished:
    """Train what is missing, and write a record of each run and a plot of all.

    Several processes may share an experiment: each takes what no other trains.

    Args:
        experiment: One of `EXPERIMENTS`.
        data: Dataset folder.
        out: Folder of the result: `runs/ARM-SEED` is a run folder, which experiments
            share; EXPERIMENT-ARM-SEED.json a record, which is enough where the run
            is gone; EXPERIMENT.png the plot.
        seeds: Number of seeds, from 0; None: the experiment's own.
        conditions: What all arms have in common.
        cache: Whether to hold the decoded training pictures in memory.
        xla: Whether XLA compiles the step of runs that begin now; None: as in `train`.

    Returns:
        The records, by arm and seed.

    Raises:
        UserError: The dataset does not fit, a run was begun with other options, or
            other processes train what is left.
        Interrupted: It was stopped; the state is saved, and the same call goes on.
    """
    _check_classes(experiment, data)
    count = 1 if conditions.quick else seeds or experiment.seeds
    finished: dict[tuple[str, int], Record] = {}
    held: set[tuple[str, int]] = set()
    while missing := _missing(experiment, finished, count):
        arm, seed = _first_free(missing, held)
        say(f"{experiment.name}: {arm.name}, seed {seed}, {len(missing)} to go.")
        try:
            found = _finish(
                experiment, arm, seed, data, out, conditions, cache=cache, xla=xla
            )
        except HeldRunError:
            held.add((arm.name, seed))
            continue
        finished[arm.name, seed] = found
    draw_errors(experiment, finished, data, out)
    if experiment.joint is not None:
        runs = [out / RUNS / f"{name}-{seed}" for name, seed in sorted(finished)]
        figures = experiment.joint(runs, data)
        title = f"{experiment.name}: {len(runs)} runs together"
        options = {"experiment": experiment.name, "arm": JOINT, "seed": 0}
        record = Record.now(SUBJECT, title, figures, (), options)
        record.save(_path(experiment, JOINT, 0, out))
        finished[JOINT, 0] = record
    return finished


def read_finished(experiment: str, folder: Path) -> Finished:
    """Return the records of an experiment that lie in a folder, by arm and seed.

    Raises:
        UserError: A file is no record.
    """
    records = map(Record.load, sorted(folder.glob(f"{experiment}-*.json")))
    return {
        (record.options["arm"], record.options["seed"]): record
        for record in records
        if record.options["experiment"] == experiment
    }


def _path(experiment: Experiment, arm: str, seed: int, out: Path) -> Path:
    return out / f"{experiment.name}-{arm}-{seed}.json"


def _check_classes(experiment: Experiment, data: Path) -> None:
    wanted, found = experiment.classes, Manifest.load(data).num_classes
    if wanted not in (None, found):
        raise UserError(
            f"Expected {experiment.pictures}, of {wanted:,} classes, for "
            f"{experiment.name}, found {found:,} in {data}."
        )


def _missing(
    experiment: Experiment, finished: Finished, seeds: int
) -> list[tuple[Arm, int]]:
    jobs = experiment.arms(finished, seeds)
    return [(arm, seed) for arm, seed in jobs if (arm.name, seed) not in finished]


def _first_free(
    missing: Sequence[tuple[Arm, int]], held: set[tuple[str, int]]
) -> tuple[Arm, int]:
    """Return the first run that no other process is known to train.

    Raises:
        UserError: There is none.
    """
    for arm, seed in missing:
        if (arm.name, seed) not in held:
            return arm, seed
    runs = ", ".join(f"{arm}-{seed}" for arm, seed in sorted(held))
    raise UserError(
        f"Other processes train {runs}. Give the same command for the result when they "
        "have ended."
    )


def _finish(
    experiment: Experiment,
    arm: Arm,
    seed: int,
    data: Path,
    out: Path,
    conditions: Conditions,
    *,
    cache: bool,
    xla: bool | None,
) -> Record:
    """Return the record of a run, which is trained and measured if it is not yet."""
    path = _path(experiment, arm.name, seed, out)
    asked = asdict(conditions)
    if path.exists():
        record = Record.load(path)
        if record.options["conditions"] != asked:
            raise UserError(
                f"Expected {path} to be of {asked}, found "
                f"{record.options['conditions']}. Take another folder for OUT."
            )
        return record
    run = out / RUNS / f"{arm.name}-{seed}"
    if not run.exists():
        twin = _of_another(experiment, arm, seed, out, asked)
        if twin is not None:
            twin.save(path)
            return twin
    run.parent.mkdir(parents=True, exist_ok=True)
    preset = arm.preset_of(seed, {**experiment.common(conditions), "xla": xla})
    history = train_arm(arm, preset, data, run, cache=cache)
    more = [] if experiment.measure is None else experiment.measure(run, data)
    record = measured_run(experiment.name, arm, seed, run, history, data, more)
    record = replace(record, options={**record.options, "conditions": asked})
    record.save(path)
    return record


def _of_another(
    experiment: Experiment, arm: Arm, seed: int, out: Path, asked: dict
) -> Record | None:
    """Return what another experiment recorded of the same run; None: not enough."""
    if experiment.measure is not None:
        return None
    for path in sorted(out.glob(f"*-{arm.name}-{seed}.json")):
        record = Record.load(path)
        named = [record.options.get(key) for key in ("arm", "seed", "conditions")]
        if named == [arm.name, seed, asked]:
            options = {**record.options, "experiment": experiment.name}
            title = run_title(experiment.name, arm, seed)
            return replace(record, title=title, options=options)
    return None


def draw_errors(
    experiment: Experiment, finished: Finished, data: Path, out: Path
) -> None:
    """Draw the errors of the first seed of every arm over its epochs.

    Args:
        experiment: What was run.
        finished: Its records.
        data: Dataset folder, for the caption.
        out: Folder of the result.
    """
    histories = [
        (name, read_errors(record))
        for (name, seed), record in finished.items()
        if seed == 0
    ]
    text = f"{experiment.claim} Here: the first seed, on {experiment.pictures}."
    caption = Caption.of(text, experiment.name, [data], "reproduce")
    plot = out / f"{experiment.name}.png"
    with captioned_figure(plot, 8, 5.5, caption) as figure:
        plot_errors(figure.add_subplot(), histories[:MOST_RUNS])
