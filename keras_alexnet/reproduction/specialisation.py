"""Whether one tower learns colours and the other does not (section 6.1, figure 3)."""

import functools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from keras_alexnet.inference.colour_index import colour_index
from keras_alexnet.record import Figure
from keras_alexnet.reproduction.ablations import BASE
from keras_alexnet.reproduction.arm import Arm
from keras_alexnet.reproduction.experiment import (
    Experiment,
    Finished,
    Outcome,
    every_seed,
    values,
)
from keras_alexnet.trained.opening import load

APART = Arm("released-no-cross-talk", "released", {"groups": (1, 2, 2, 2, 2)})
WHOLE = Arm("released-one-group", "released", {"groups": (1, 1, 1, 1, 1)})
_ARMS = (BASE, APART, WHOLE)
GREY, COLOUR = "colour index of the greyer half", "colour index of the other half"
CHANCE = "random halves that differ as much"
_SHUFFLES = 10_000
_SPECIALISED = 0.01  # share of random halves


def colour_halves(kernel: np.ndarray) -> tuple[float, float, float]:
    """Compare the colours of the first half of conv1's kernels with the second's.

    Args:
        kernel: `(11, 11, 3, filters)`, those of the first tower first.

    Returns:
        The mean colour index of the greyer half and of the other; and the share of
        random halves whose means differ as much or more.
    """
    index = colour_index(kernel)
    half = len(index) // 2
    means = (float(index[:half].mean()), float(index[half:].mean()))
    shuffled = np.random.default_rng(0).permuted(np.tile(index, (_SHUFFLES, 1)), axis=1)
    apart = np.abs(shuffled[:, :half].mean(1) - shuffled[:, half:].mean(1))
    chance = float((apart >= abs(means[1] - means[0]) - 1e-12).mean())
    return min(means), max(means), chance


def measure_halves(run: Path, data: Path) -> list[Figure]:
    """Return the colours of the halves of a run's conv1, as `colour_halves` has them.

    Args:
        run: Its folder.
        data: Dataset folder, which it takes nothing from.
    """
    grey, colour, chance = colour_halves(load(run).first_layer().kernel)
    return [
        Figure(GREY, grey),
        Figure(COLOUR, colour),
        Figure(CHANCE, 100 * chance, "%"),
    ]


def halves_of(
    finished: Finished, arms: Sequence[Arm], published: str = ""
) -> list[Outcome]:
    """Return what `measure_halves` found, and in how many runs the halves differ.

    Args:
        finished: The records.
        arms: What was trained.
        published: In how many they differ, of the first arm.
    """
    lines = []
    for arm in arms:
        for figure in (GREY, COLOUR):
            found = values(finished, arm.name, figure)
            lines.append(Outcome(f"{arm.name}: {figure}", "", found, ""))
        chances = values(finished, arm.name, CHANCE)
        sure = tuple(100.0 * ((each or 0) < 100 * _SPECIALISED) for each in chances)
        name = f"{arm.name}: seeds whose halves differ, p < {_SPECIALISED}"
        lines.append(Outcome(name, published if arm is arms[0] else "", sure))
    return lines


SPECIALISATION = Experiment(
    "specialisation",
    "The kernels on one GPU are largely colour-agnostic, those on the other largely "
    "colour-specific, in every run (section 6.1, figure 3).",
    "Imagenette",
    every_seed(_ARMS),
    functools.partial(halves_of, arms=_ARMS, published="100 (every run)"),
    seeds=3,
    fixed_drops=True,
    measure=measure_halves,
    note="Halves are the towers; of released-one-group, whose layers see all maps, the "
    "same places. A net of few photos and epochs has noisier kernels than the paper's.",
)
