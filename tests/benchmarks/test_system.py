import pytest

from tests.benchmarks.conftest import measured, subject


def test_shares_are_over_the_first_which_was_measured_beside_each():
    ours, slow = measured("ours", kind="ours"), measured("slow", 2.0)
    limit = measured("limit", 0.25, "limit", amount=1e9)
    found = subject("step", ours, slow, limit, demands={"limit": 3e9})
    # Ours does 3e9 in the time in which the limit would do 1e9 four times.
    assert found.share(ours, "limit") == pytest.approx(0.75)
    assert found.share(slow, "limit") == pytest.approx(0.375)
    assert found.share(slow, "ours") is None
    assert ours.speed == 1.0 and slow.speed == 0.5


def test_the_fastest_of_a_kind_was_measured():
    systems = [measured("ours", kind="ours"), measured("a", 3.0), measured("b", 2.0)]
    found = subject("step", *systems, measured("c", 1.0))
    found.systems[-1].ratios = []
    assert found.find("fastest peer").name == "b"
    assert found.find("ours") is systems[0]
    assert found.find("c") is None


def test_answers_are_compared_where_there_are_any():
    assert subject("inference").tolerance == 1e-4
    assert subject("step", precision="mixed_bfloat16").tolerance == 0.1
    assert subject("input").tolerance is None
