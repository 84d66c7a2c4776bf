import pytest

from scripts.benchmarks import overheads


def test_an_overhead_is_the_median_of_ratios_of_the_same_round():
    # The machine was twice as slow in the second round.
    times = {overheads.PLAIN: [1.0, 2.0, 1.0], "towers": [1.02, 2.2, 1.0]}
    plain, towers = overheads.overheads(times)
    assert plain.value == 1000.0
    assert towers.value == pytest.approx(1.02)
    assert towers.beside == "1020 ms; each round 1.020 1.100 1.000"


@pytest.mark.slow
def test_a_small_batch_is_measured(run_script):
    rounds = ["--rounds", 1, "--round-steps", 1, "--save-steps", 2]
    found = run_script(overheads, "--batch-size", 2, *rounds)
    for strategy in (overheads.ONE_REPLICA, overheads.ONE_DEVICE):
        assert found.value(f"step, {strategy}, over plain fit") > 0
    # Two numbers of 4 bytes for each of 60,965,224 weights.
    assert found.value("checkpoint") == pytest.approx(487.7, rel=0.01)
