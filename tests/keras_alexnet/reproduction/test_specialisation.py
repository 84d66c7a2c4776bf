import numpy as np
import pytest

from keras_alexnet.reproduction.experiment import values
from keras_alexnet.reproduction.specialisation import (
    CHANCE,
    COLOUR,
    GREY,
    SPECIALISATION,
    colour_halves,
)
from tests.keras_alexnet.reproduction.records import record


def kernels(grey_first):
    """Twelve grey kernels and twelve that see red against green."""
    noise = np.random.default_rng(0).normal(size=(11, 11, 1, 12))
    grey = noise * np.array([1.0, 1, 1])[:, None]
    opponent = noise * np.array([1.0, -1, 0])[:, None]
    pair = (grey, opponent) if grey_first else (opponent, grey)
    return np.concatenate(pair, axis=-1)


@pytest.mark.parametrize("grey_first", [True, False])
def test_towers_that_are_specialised_are_told(grey_first):
    grey, colour, chance = colour_halves(kernels(grey_first))
    assert grey == pytest.approx(0, abs=1e-12) and colour == pytest.approx(1)
    # 2 of the 2,704,156 ways to halve 24 kernels differ as much.
    assert chance <= 1e-3


def test_halves_that_are_alike_are_chance():
    mixed = kernels(True)[..., np.arange(24) % 2 * 12 + np.arange(24) // 2]
    grey, colour, chance = colour_halves(mixed)
    assert grey == pytest.approx(colour) == pytest.approx(0.5)
    assert chance == 1.0


def test_lines_count_the_seeds_that_differ_more_than_chance():
    made = {}
    for seed, chance in enumerate((0.0, 0.5, 3.0)):
        figures = {GREY: 0.1, COLOUR: 0.3, CHANCE: chance}
        made["released", seed] = record("released", seed, **figures)
    lines = {line.name: line for line in SPECIALISATION.compare(made)}
    assert lines[f"released: {GREY}"].values == values(made, "released", GREY)
    told = lines["released: seeds whose halves differ, p < 0.01"]
    assert told.values == (100.0, 100.0, 0.0) and told.published.startswith("100")
