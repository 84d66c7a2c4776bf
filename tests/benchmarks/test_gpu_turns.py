"""Systems that take turns, and what is left when one of them fails."""

from pathlib import Path

import pytest

from scripts.benchmarks.gpu_turns import NOT_REACHED, Workers, take_turns, variables
from scripts.benchmarks.system import System
from tests.benchmarks.conftest import OURS, subject

# A worker whose clock says what the jobs tell, and which notes what it is told.
FAKE = """
import json, os, sys
from pathlib import Path

costs = {}
for order in map(json.loads, sys.stdin):
    name, job = order["name"], order.get("job")
    with open(Path(__file__).with_name("told"), "a") as told:
        told.write(f"{name}{'+' if job else ''} ")
    if job is None:
        cost = next(costs[name])
        if cost is None:
            sys.exit("the card fell off")
        print(json.dumps({"seconds": cost}), flush=True)
    elif "error" in job:
        print(json.dumps({"ready": {"error": job["error"]}}), flush=True)
    else:
        costs[name] = iter(job["costs"])
        print(json.dumps({"ready": {"peak_bytes": 10}}), flush=True)
"""


@pytest.fixture
def made(tmp_path):
    """Make systems with these seconds of each turn; None ends their process."""
    program = tmp_path / "fake.py"
    program.write_text(FAKE)

    def make(name, *costs, work="step", **fields):
        job = {"costs": costs, "work": work, **fields}
        return System(name, OURS, str(program), job, amount=10.0)

    return make


@pytest.fixture
def turns(tmp_path):
    """Let systems take turns; return who was told what, `+` to prepare."""

    def take(systems, rounds, left=lambda: 60.0):
        workers = Workers(tmp_path, left)
        try:
            taken = len([*take_turns(subject("step", *systems), workers, rounds)])
        finally:
            workers.end()
        assert taken == rounds + len([s for s in systems if s.failure != "missing"])
        told = Path(tmp_path / "told")
        return told.read_text().split() if told.exists() else []

    return take


def test_ratios_are_of_the_same_round(made, turns):
    ours, peer = made("a", 9.0, 1.0, 2.0), made("b", 9.0, 3.0, 8.0, work="torch")
    told = turns([ours, peer], 2)
    assert told == ["a+", "a", "b+", "b", "a", "b", "a", "b"]
    assert ours.ratios == [1.0, 1.0] and peer.ratios == [3.0, 4.0]
    assert peer.seconds == [9.0, 3.0, 8.0] and peer.rate == 10 / 8
    assert ours.peak_bytes == 10


def test_who_cannot_be_prepared_leaves_the_others(made, turns):
    broken, good = made("a", error="OOM"), made("b", 1.0, 2.0)
    missing = made("c", work="torch")
    missing.failure = "missing"
    turns([broken, good, missing], 1)
    assert (broken.failure, good.failure, missing.failure) == ("OOM", None, "missing")
    # There is nothing that it could be compared with.
    assert good.seconds == [1.0, 2.0] and good.ratios == []


def test_a_process_that_ends_takes_its_own_works_with_it_alone(made, turns):
    ours, dies = made("a", 1.0, 1.0), made("b", None)
    last, peer = made("c", 4.0, 4.0), made("d", 3.0, 6.0, work="torch")
    told = turns([ours, dies, last, peer], 1)
    assert dies.failure == "ended with 1: the card fell off"
    assert ours.failure is None and ours.seconds == [1.0]  # it was measured before
    assert last.seconds == [4.0, 4.0] and peer.seconds == [3.0, 6.0]
    assert told == ["a+", "a", "b+", "b", "c+", "c", "d+", "d", "c", "d"]


def test_who_is_not_reached_in_time_is_named(made, turns):
    times = iter([60.0] * 4 + [0.0] * 9)
    ours, late = made("a", 1.0, 2.0), made("b", 1.0)
    assert turns([ours, late], 1, lambda: next(times)) == ["a+", "a"]
    assert late.failure == NOT_REACHED and ours.seconds == [1.0]


def test_processes_have_one_gpu_and_the_paths_of_this_one(monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PYTHONPATH", "/some/site")
    found = variables()
    assert found["CUDA_VISIBLE_DEVICES"] == "0"
    assert found["PYTHONPATH"].endswith(":/some/site")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert variables()["CUDA_VISIBLE_DEVICES"] == "3"
