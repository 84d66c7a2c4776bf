"""The page of the paper's claims, and the records that it is made of."""

import re

import pytest

from keras_alexnet.record import Figure, Record
from keras_alexnet.reproduction import EXPERIMENTS
from keras_alexnet.reproduction.run import LAST_ERROR, MINUTES
from scripts.benchmarks.claims import (
    FOUND,
    NOT_RUN,
    PAGE,
    RESULTS,
    lines,
    time_on_imagenet,
)


def record(seed, error, commit="0123456789abcdef"):
    figures = (Figure(LAST_ERROR, error, "%"), Figure(MINUTES, 4.0, "min"))
    options = {
        **{"experiment": "cifar-80sec", "arm": "cifar-80sec", "seed": seed},
        **{"input_size": 32, "recipe": {"precision": "float32"}},
        "training_error": [9.0] * 10,
    }
    command = "alexnet reproduce cifar-80sec cifar out"
    machine = {"processor": "a processor"}
    facts = ("reproduction", "made", command, commit, machine, "2026-01-31")
    return Record(*facts, (), figures, options)


def test_generating_the_page_again_changes_nothing():
    assert [*lines(RESULTS)] == PAGE.read_text().splitlines()


def test_a_claim_is_a_row_with_what_it_comes_from(tmp_path):
    for seed, error in enumerate((26.0, 27.0)):
        record(seed, error).save(tmp_path / f"cifar-80sec-cifar-80sec-{seed}.json")
    told = [line for line in lines(tmp_path) if line.startswith("| **cifar-80sec**")]
    assert told == [
        "| **cifar-80sec**: error | 26 % in 80 s | 26.50 ± 0.71 % (2) | CIFAR-10 "
        "at 32 pixels, crops of 32 pixels, 10 epochs, float32, a processor | `alexnet "
        "reproduce cifar-80sec cifar out` | 0123456789 |",
        "| **cifar-80sec**: minutes of training |  | 4.00 ± 0.00 min (2) |  |  |  |",
    ]


def test_what_nobody_ran_is_said_with_its_command(tmp_path):
    told = [*lines(tmp_path)]
    for name, experiment in EXPERIMENTS.items():
        (line,) = [each for each in told if each.startswith(f"| **{name}**")]
        assert f"{NOT_RUN} | needs {experiment.pictures}" in line
        assert f"`alexnet reproduce {name} data/ out/`" in line
        assert f"## {name}" in told and experiment.claim in told
    assert not [line for line in told if line.startswith("**Found.**")]


def test_what_was_found_is_said_of_every_experiment_that_has_its_figures():
    told = [line for line in lines(RESULTS) if line.startswith("**Found.**")]
    assert len(told) == len(FOUND) and {*FOUND} <= {*EXPERIMENTS}
    assert not re.search(r"[{}]", "".join(told))


def test_every_record_belongs_to_an_experiment():
    for path in RESULTS.glob("*.json"):
        found = Record.load(path)
        experiment, arm, seed = (
            found.options[n] for n in ("experiment", "arm", "seed")
        )
        assert experiment in EXPERIMENTS
        assert path.stem == f"{experiment}-{arm}-{seed}"
        assert not found.options.get("conditions", {}).get("quick")


def test_the_time_on_imagenet_is_91_epochs_at_the_measured_speed():
    first, second = time_on_imagenet().split("; ")
    assert first.startswith("2.1 hours on one H200 (15,705 images/s")
    assert second.startswith("40 days on two CPU cores (33 images/s")
    assert 91 * 1_281_167 / 15_705 / 3600 == pytest.approx(2.06, abs=0.005)
