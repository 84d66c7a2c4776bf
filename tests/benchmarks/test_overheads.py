import pytest

from scripts.benchmarks import overheads
from tests import small


def test_an_overhead_is_the_median_of_ratios_of_the_same_round():
    # The machine was twice as slow in the second round.
    times = {overheads.PLAIN: [1.0, 2.0, 1.0], "towers": [1.02, 2.2, 1.0]}
    plain, towers = overheads.overheads(times)
    assert plain.value == 1000.0
    assert towers.value == pytest.approx(1.02)
    assert towers.beside == "1020 ms; each round 1.020 1.100 1.000"


def test_the_cost_of_a_checkpoint_is_shown_with_its_part_of_an_epoch():
    size, copy, write, extra = overheads.checkpoint_cost(
        489.6, [0.31], [4.26], [1.4, 1.5, 9.0], epoch=128.0
    )
    assert (size.text, copy.value, write.value) == ("489.6 MB", 0.31, 4.26)
    assert extra.text == "1.5 s" and extra.beside.startswith("1.17% of an epoch")


@pytest.mark.slow
def test_a_small_network_is_measured(run_script):
    sizes = ["--input-size", small.INPUT, "--units", 16, "--batch-size", 4]
    rounds = ["--rounds", 1, "--round-steps", 1, "--save-steps", 2]
    found = run_script(overheads, *sizes, *rounds)
    for strategy in (overheads.ONE_REPLICA, overheads.ONE_DEVICE):
        assert found.value(f"step, {strategy}, over plain fit") > 0
    # Two numbers of 4 bytes for each of 2.4 million weights.
    assert found.value("checkpoint") == pytest.approx(19.0, rel=0.1)
