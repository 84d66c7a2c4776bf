import os
from pathlib import Path

import pytest

from scripts.benchmarks import compare, exports
from scripts.benchmarks.subjects import CompareOptions
from scripts.benchmarks.system import TOLERANCES, System
from scripts.benchmarks.system_process import SystemFailure
from tests import small
from tests.benchmarks.conftest import OURS, subject
from tfrecords.errors import UserError

ROOT = Path(__file__).parents[2]


def test_ratios_are_over_the_neighbours_and_do_not_see_a_drift(fake, tmp_path):
    # Everything gets slower by the measurement: 1, 2, 3, ... times as slow.
    ours = fake("ours", [1.0, 3.0, 5.0, 7.0, 9.0], "ours")
    twice = fake("twice", [2 * 2.0, 2 * 6.0])
    thrice = fake("thrice", [3 * 4.0, 3 * 8.0])
    compare.in_turn(subject("fit", ours, twice, thrice), tmp_path, 2)
    assert ours.seconds == [1.0, 3.0, 5.0, 7.0, 9.0]
    assert twice.ratios == [2.0, 2.0] and thrice.ratios == [3.0, 3.0]
    assert ours.rate == 10 / 5 and twice.rate == 10 / 8
    assert all(s.peak_bytes > 1 << 20 for s in (ours, twice, thrice))


def test_who_computes_something_else_breaks_or_dies_is_named(fake, tmp_path, capsys):
    ours = fake("ours", [1.0] * 9, "ours", answer=[1.0, -4.0])
    close = fake("close", [2.0] * 2, answer=[1.0, -4.0002])
    others = {
        fake("wrong", answer=[1.0, -4.004]): "differs by 1.0e-03",
        fake("shape", answer=[1.0]): r"answers \(1,\), not \(2,\)",
        fake("broken", answer=[1.0, -4.0], broken="no kernel"): "ValueError: no kernel",
        fake("short", [1.0], answer=[1.0, -4.0]): "StopIteration",
    }
    compare.in_turn(subject("step", ours, *others, close), tmp_path, 2)
    assert close.difference == pytest.approx(5e-5) and close.ratios == [2.0, 2.0]
    said = capsys.readouterr().err
    for system, why in others.items():
        with pytest.raises(SystemFailure, match=why):
            raise SystemFailure(system.failure)
        assert f"{system.name}: {system.failure}" in said


def test_nothing_is_measured_without_ours(fake, tmp_path):
    broken = fake("ours", kind="ours", broken="out of memory")
    with pytest.raises(SystemFailure, match="ValueError: out of memory"):
        compare.in_turn(subject("fit", broken, fake("peer", [1.0] * 2)), tmp_path, 2)


def test_what_cannot_be_measured_is_said(monkeypatch):
    monkeypatch.setattr(compare, "prepare_environment", lambda folder: {})
    with pytest.raises(UserError, match="Expected --data DATASET for input"):
        compare.measure(CompareOptions("input"))


@pytest.mark.slow
def test_a_wrong_constant_of_the_network_is_noticed(tmp_path, settings):
    job = settings().job("step", "float32", 2)
    job |= exports.write_network(job, tmp_path)
    lrn = {"alpha": 1e-4}  # of the paper instead of the fifth part that was run
    changed = {**job, "overrides": {**job["overrides"], "lrn": lrn}}
    program = "scripts.benchmarks.ours"
    stock = System("stock", OURS, "scripts.benchmarks.peers.stock_keras", job)
    wrong = System("wrong", OURS, program, changed)
    systems = [System("ours", OURS, program, job, "ours"), stock, wrong]
    cores = sorted(os.sched_getaffinity(0))
    compare.in_turn(subject("step", *systems, cores=cores), tmp_path, 0)
    assert stock.failure is None and stock.difference < 2e-5
    assert wrong.failure.startswith("differs by")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["step", "inference", "input", "fit"])
def test_every_peer_computes_the_same_and_is_measured(dataset, run_script, kind):
    environment = Path(os.environ.get("ALEXNET_PEERS", ROOT / "build" / "peers"))
    if not environment.exists():
        pytest.skip("no environment of the peers: run scripts/benchmarks/compare.py")
    options = ["--environment", environment, "--rounds", 1, "--seconds", 0.01]
    options += ["--input-size", small.INPUT, "--units", 16, "--batch-sizes", 2]
    options += ["--data", dataset, "--pictures", 32, "--steps", 2]
    found = run_script(compare, kind, *options, "--precisions", *TOLERANCES)
    assert found.value(f"{kind}, float32, batch 2: ours") > 0
    for figure in found.figures:
        if figure.value is None and "aim" not in figure.name:
            assert "No module named" in figure.beside, figure
