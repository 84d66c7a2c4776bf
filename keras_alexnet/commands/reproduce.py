"""`alexnet reproduce EXPERIMENT DATA OUT`."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from keras_alexnet.presets.recipe import Precision
from tfrecords.errors import UserError
from tfrecords.plain_text import say
from tfrecords.ranges import check_count
from tfrecords.tables import Console, Table

if TYPE_CHECKING:
    from keras_alexnet.reproduction.experiment import Experiment, Finished


@dataclass(frozen=True)
class ReproduceOptions:
    """Train what a claim of the paper compares, and print ours beside the published.

    Cut at any time, the same command goes on; given again meanwhile, on another GPU, it
    takes the runs that no other process trains. OUT/runs has the run folders, which
    experiments share, OUT a JSON file for each run, and a plot."""

    experiment: tyro.conf.Positional[str]
    """relu, cifar-80sec, cifar-18pct, cifar-13pct, cifar-11pct, lenet5, lenet5-1998,
    lrn, lrn-11pct, lrn-full, norm, overlap, dropout, augmentation, towers, init,
    presets, ensemble, specialisation, imagenette or imagenet."""
    data: tyro.conf.Positional[Path]
    """Dataset folder: CIFAR-10 or digits built with --size 32, photos, or ILSVRC."""
    out: tyro.conf.Positional[Path]
    """Folder for the runs and their results."""
    quick: bool = False
    """Two epochs of one seed, to see that it works; no evidence."""
    seeds: int | None = None
    """Number of seeds, from 0; None: the experiment's own."""
    input_size: int | None = None
    """Side of the crops in pixels, of all arms on photos; None: the preset's own."""
    epochs: int | None = None
    """Epochs of all arms on photos, whose rates drop after two thirds and eleven
    twelfths of them; None: 60."""
    precision: Precision = "auto"
    """Arithmetic, as in alexnet train."""
    cache: bool = False
    """Hold the decoded training pictures in memory, as in alexnet train."""
    xla: tyro.conf.DisallowNone[bool | None] = None
    """Compile the step with XLA, as in alexnet train; on a GPU --no-xla is sooner ready
    where a run sees fewer than some 600,000 pictures."""


def main(arguments: Sequence[str]) -> int:
    """Run the experiment, print published beside measured, and say where it lies."""
    options = tyro.cli(ReproduceOptions, args=arguments, prog="alexnet reproduce")
    from keras_alexnet.reproduction import EXPERIMENTS

    if options.experiment not in EXPERIMENTS:
        raise UserError(
            f"Expected an experiment of {', '.join(EXPERIMENTS)}, got "
            f"{options.experiment!r}."
        )
    for name in ("seeds", "input_size", "epochs"):
        check_count(name, getattr(options, name))
    if options.quick and (options.seeds or options.epochs):
        raise UserError(
            "Expected --quick, or --seeds and --epochs, got both: it has its own."
        )
    from keras_alexnet.reproduction.experiment import Conditions
    from keras_alexnet.reproduction.reproduce import reproduce
    from keras_alexnet.training.state.stopping import Interrupted

    experiment = EXPERIMENTS[options.experiment]
    conditions = Conditions(
        options.input_size, options.epochs, options.precision, options.quick
    )
    places = (experiment, options.data, options.out)
    try:
        finished = reproduce(
            *places,
            seeds=options.seeds,
            conditions=conditions,
            cache=options.cache,
            xla=options.xla,
        )
    except Interrupted as stop:
        place = f"epoch {stop.epoch} step {stop.step} of a run"
        say(
            f"alexnet reproduce: stopped at {place}; give the same command.", error=True
        )
        return stop.status
    _print(experiment, finished)
    say(f"Records and plot: {options.out}")
    return 0


def _print(experiment: "Experiment", finished: "Finished") -> None:
    say(experiment.claim)
    table = Table("", "published", "measured (seeds)")
    for line in experiment.compare(finished):
        table.add_row(line.name, line.published, line.measured)
    Console().print(table)
    if experiment.note:
        say(experiment.note)
