"""An experiment: trainings whose errors are put beside those of the paper."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keras_alexnet.record import Figure, Record
from keras_alexnet.reproduction.arm import Arm
from tfrecords.errors import UserError

JOINT = "joint"  # in place of an arm: all runs together
DEFAULT_EPOCHS = 60  # on photos, where it is not said

# From the records of an experiment's runs that are finished, by arm and seed.
Finished = Mapping[tuple[str, int], Record]


@dataclass(frozen=True)
class Finding:
    """One line of a result: what was published, and what was measured.

    Attributes:
        name: What is compared.
        published: The paper's figure, with its conditions; empty where it has none.
        values: Ours, one a seed; None where it was not reached.
        unit: Of the values.
    """

    name: str
    published: str
    values: tuple[float | None, ...]
    unit: str = "%"

    @property
    def measured(self) -> str:
        """The mean of the seeds, and their standard deviation where there are two."""
        found = [value for value in self.values if value is not None]
        if not self.values:
            return "not run"
        if not found:
            return f"not reached ({len(self.values)})"
        mean = f"{statistics.fmean(found):.2f}"
        if len(found) > 1:
            mean += f" ± {statistics.stdev(found):.2f}"
        missed = len(self.values) - len(found)
        rest = f", {missed} did not reach it" if missed else ""
        return f"{mean} {self.unit} ({len(found)}{rest})"


@dataclass(frozen=True)
class Conditions:
    """What all arms of an experiment on photos have in common.

    Attributes:
        input_size: Side of the crops in pixels; None: the preset's own.
        epochs: Passes over the training pictures; None: the preset's own.
        precision: As in a recipe.
        quick: Whether this is to see that it works: two epochs, one seed.
    """

    input_size: int | None = None
    epochs: int | None = None
    precision: str = "auto"
    quick: bool = False


@dataclass(frozen=True)
class Experiment:
    """What is trained, and what is said of it.

    Attributes:
        name: As `alexnet reproduce` takes it.
        claim: What the paper says, with its section.
        pictures: What it is measured on.
        arms: From the runs that are finished, all trainings that are to be had; called
            again until nothing is missing.
        compare: From the finished runs to the lines of the result.
        seeds: Number of seeds, unless it is said.
        fixed_drops: Whether all arms have the same epochs, and rates that drop after
            the same of them: two thirds, and eleven twelfths.
        classes: Of the dataset; None: any.
        measure: Further figures of a run: of its folder and the dataset's.
        joint: Figures of all runs together: of their folders and the dataset's.
        note: What has to be known beside the result.
    """

    name: str
    claim: str
    pictures: str
    arms: Callable[[Finished, int], Sequence[tuple[Arm, int]]]
    compare: Callable[[Finished], Sequence[Finding]]
    seeds: int = 1
    fixed_drops: bool = False
    classes: int | None = None
    measure: Callable[[Path, Path], list[Figure]] | None = None
    joint: Callable[[Sequence[Path], Path], list[Figure]] | None = None
    note: str = ""

    def common(self, conditions: Conditions) -> dict[str, Any]:
        """Return the fields of network and recipe that all arms have.

        Args:
            conditions: What was asked for.

        Raises:
            UserError: A size or a number of epochs, which the nets have their own of.
        """
        asked = conditions.input_size, conditions.epochs
        if not self.fixed_drops and asked != (None, None):
            raise UserError(
                f"Expected no --input-size and --epochs with {self.name}, whose nets "
                f"have their own, got {asked[0]} and {asked[1]}."
            )
        fields: dict[str, Any] = {"precision": conditions.precision}
        if conditions.input_size is not None:
            fields["input_size"] = conditions.input_size
        epochs = 2 if conditions.quick else conditions.epochs
        if epochs is None and self.fixed_drops:
            epochs = DEFAULT_EPOCHS
        if epochs is not None:
            fields["epochs"] = epochs
        if self.fixed_drops and epochs is not None:
            fields |= {"schedule": "steps", "drops": drops_of(epochs)}
        return fields


def drops_of(epochs: int) -> tuple[int, ...]:
    """Return the epochs after which the rate drops in a run of so many.

    They are the first and the last drop of the released schedules, of 91 epochs, in
    proportion to what a small dataset needs: two thirds, and eleven twelfths.
    """
    drops = {round(epochs * 2 / 3), round(epochs * 11 / 12)}
    return tuple(sorted(drop for drop in drops if 0 < drop < epochs))


def every_seed(arms: Sequence[Arm]) -> Callable[[Finished, int], list[tuple[Arm, int]]]:
    """Return the `arms` of an experiment that trains each of some with each seed."""

    def jobs(finished: Finished, seeds: int) -> list[tuple[Arm, int]]:
        return [(arm, seed) for seed in range(seeds) for arm in arms]

    return jobs


def values(finished: Finished, arm: str, figure: str) -> tuple[float | None, ...]:
    """Return a figure of an arm's runs, one a seed, in order."""
    return tuple(
        finished[key].value(figure) for key in sorted(finished) if key[0] == arm
    )


def differences(
    finished: Finished, arm: str, other: str, figure: str
) -> tuple[float, ...]:
    """Return by how much a figure of an arm is above another's, seed by seed."""
    seeds = {seed for name, seed in finished if name == arm}
    seeds &= {seed for name, seed in finished if name == other}
    return tuple(
        finished[arm, seed].value(figure) - finished[other, seed].value(figure)
        for seed in sorted(seeds)
    )
