import os
from dataclasses import replace
from pathlib import Path

import pytest

from scripts.benchmarks import compare, exports, subjects
from scripts.benchmarks.environment import Environment
from scripts.benchmarks.subjects import PRECISIONS, CompareOptions
from scripts.benchmarks.system import System
from scripts.benchmarks.system_process import SystemFailure
from tests import small
from tests.benchmarks.conftest import OURS
from tests.benchmarks.test_system import result, subject
from tfrecords.errors import UserError

ROOT = Path(__file__).parents[2]


def in_turn(systems, folder, **options):
    cores = sorted(os.sched_getaffinity(0))[:1]
    usual = {"rounds": 2, "cores": cores}
    return compare.in_turn(systems, folder, **{**usual, **options})


def test_ratios_are_over_the_neighbours_and_do_not_see_a_drift(fake, tmp_path):
    # Everything gets slower by the measurement: 1, 2, 3, ... times as slow.
    ours = fake("ours", [1.0, 3.0, 5.0, 7.0, 9.0], "ours")
    twice = fake("twice", [2 * 2.0, 2 * 6.0])
    thrice = fake("thrice", [3 * 4.0, 3 * 8.0])
    results = in_turn([ours, twice, thrice], tmp_path)
    assert results[0].seconds == [1.0, 3.0, 5.0, 7.0, 9.0]
    assert results[1].ratios == [2.0, 2.0] and results[2].ratios == [3.0, 3.0]
    assert results[0].rate == 10 / 5 and results[1].rate == 10 / 8
    assert results[1].facts == {"fake": 1, "cluster": "", "calls": 1}
    assert all(result.peak_bytes > 1 << 20 for result in results)


def test_who_computes_something_else_is_not_measured(fake, tmp_path):
    ours = fake("ours", [1.0] * 5, "ours", answer=[1.0, -4.0])
    close = fake("close", [2.0] * 2, answer=[1.0, -4.0004])
    wrong = fake("wrong", [2.0] * 2, answer=[1.0, -4.004])
    shape = fake("shape", [2.0] * 2, answer=[1.0])
    said = []
    systems = [ours, close, wrong, shape]
    results = in_turn(systems, tmp_path, tolerance=5e-4, say=said.append)
    assert results[1].difference == pytest.approx(1e-4)
    assert results[1].ratios == [2.0, 2.0]
    assert results[2].failure == "differs by 1.0e-03, more than 5e-04"
    assert results[3].failure.startswith("differs by inf")
    assert results[2].seconds == [] == results[3].seconds
    assert "wrong: differs by 1.0e-03, more than 5e-04" in said


def test_who_is_absent_breaks_or_dies_is_named_and_the_others_go_on(fake, tmp_path):
    systems = [
        fake("ours", [1.0] * 9, "ours"),
        fake("broken", broken="no such kernel"),
        fake("short", [1.0]),  # has no second run
        replace(fake("absent"), absent="ffcv does not install here: no compiler"),
        fake("good", [4.0] * 2),
    ]
    results = in_turn(systems, tmp_path)
    assert results[1].failure == "ValueError: no such kernel"
    assert results[2].failure.startswith("StopIteration")
    assert results[3].failure == "ffcv does not install here: no compiler"
    assert results[4].ratios == [4.0, 4.0]


def test_nothing_is_measured_without_ours(fake, tmp_path):
    broken = fake("ours", kind="ours", broken="out of memory")
    with pytest.raises(SystemFailure, match="ours: ValueError: out of memory"):
        in_turn([broken, fake("peer", [1.0] * 2)], tmp_path)


def test_figures_tell_everything():
    measured = subject(
        "step",
        result(subjects.OURS, "ours", difference=0.0, peak_bytes=2_000_000),
        result(subjects.STOCK, ratio=5.0, difference=1e-6),
        replace(result(subjects.JAX), failure="no wheel", seconds=[]),
        result(subjects.MATRIX, "limit", ratio=0.25, amount=1e9),
        demands={subjects.MATRIX: 3e9},
    )
    ours, stock, jax, matrix, *reached = compare.figures_of(measured)
    assert ours.name == "step, float32, batch 128: ours" and ours.value == 128.0
    assert ours.beside == "75% of matrix product, peak 2 MB"
    assert stock.beside == (
        "ours 5.00 × as fast (5.00 to 5.00), 15% of matrix product, differs by 1e-06"
    )
    assert (jax.value, jax.beside) == (None, "not measured: no wheel")
    assert (matrix.value, matrix.unit) == (2.0, "GFLOP/s")
    assert len(reached) == 5  # of the aims for this subject
    assert reached[0].name.endswith("aim: ours: ≥ 4.00 × the speed of stock Keras")
    assert (reached[0].value, reached[0].beside) == (5.0, "met")


def test_what_cannot_be_measured_is_said(tmp_path, monkeypatch):
    there = Environment(OURS)
    monkeypatch.setattr(compare, "prepare_environment", lambda *_: there)
    options = CompareOptions("input", scratch=tmp_path)
    with pytest.raises(UserError, match="Expected --data DATASET for input"):
        compare.measure(options)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UserError, match="Expected at most"):
        compare.measure(replace(options, kind="step", cores=999))


@pytest.mark.slow
def test_a_wrong_constant_of_the_network_is_noticed(tmp_path, settings):
    job = settings().job("step", "float32", 2)
    job |= exports.write_network(job, tmp_path)
    lrn = {"alpha": 1e-4}  # of the paper instead of the fifth part that was run
    wrong = {**job, "overrides": {**job["overrides"], "lrn": lrn}}
    program = "scripts.benchmarks.ours"
    systems = [
        System("ours", OURS, program, job, "ours"),
        System("stock", OURS, "scripts.benchmarks.peers.stock_keras", job),
        System("wrong", OURS, program, wrong),
    ]
    results = in_turn(systems, tmp_path, rounds=0, tolerance=1e-4)
    assert results[1].failure is None and results[1].difference < 2e-5
    assert results[2].failure.startswith("differs by")


@pytest.fixture
def run_compare(run_script):
    """Run it with small networks; return its record, in which all were measured."""
    environment = Path(os.environ.get("ALEXNET_PEERS", ROOT / "build" / "peers"))
    if not environment.exists():
        pytest.skip("no environment of the peers: run scripts/benchmarks/compare.py")

    def run(*options):
        usual = ["--environment", environment, "--rounds", 1, "--seconds", 0.01]
        usual += ["--input-size", small.INPUT, "--units", 16]
        found = run_script(compare, *options, *usual)
        for figure in found.figures:
            if figure.value is None and "aim" not in figure.name:
                assert "does not install" in figure.beside, figure
        return found

    return run


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["step", "inference"])
def test_every_peer_computes_the_same(run_compare, kind):
    found = run_compare(kind, "--batch-sizes", 2, "--precisions", *PRECISIONS)
    for precision in PRECISIONS:
        assert found.value(f"{kind}, {precision}, batch 2: ours") > 0


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["input", "fit"])
def test_pipelines_and_fit_are_measured(dataset, run_compare, kind):
    options = ["--data", dataset, "--batch-sizes", 8, "--pictures", 32, "--steps", 2]
    assert run_compare(kind, *options).figures[0].value > 0
