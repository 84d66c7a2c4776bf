import pytest

from scripts.benchmarks import start
from scripts.benchmarks.start import BARE, LOAD_EXPORT, StartOptions


def test_a_ratio_is_over_the_bare_load_of_the_same_round():
    # The machine is twice as slow in the second round.
    work = next(work for work, bare in BARE.items() if bare == LOAD_EXPORT)
    bare, found = start.figures_of({LOAD_EXPORT: [2.0, 4.0], work: [3.0, 7.0]})
    assert (bare.value, bare.beside) == (3.0, "")
    assert (found.value, found.beside) == (5.0, f"1.62 x: {LOAD_EXPORT}")


def test_what_fails_is_named_with_its_last_words():
    with pytest.raises(RuntimeError, match="failed: ValueError: no such thing"):
        start.run_python("-c", "raise ValueError('no such thing')")


@pytest.mark.slow
def test_a_small_run_is_measured(run, other):
    data = other(size=256)  # it trains the whole network
    found = start.measure(StartOptions(run, data, batch_size=8, rounds=1))
    values = {figure.name: figure.value for figure in found.figures}
    assert {*values} == {*BARE, *BARE.values()}
    assert all(values[work] > values[bare] for work, bare in BARE.items())
