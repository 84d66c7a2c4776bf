import pytest

from scripts.benchmarks.system import Result, Subject


def subject(kind, *results, precision="float32", batch=128, demands=()):
    return Subject(kind, precision, batch, demands=dict(demands), results=[*results])


def result(name, kind="peer", ratio=None, amount=64.0, **fields):
    ratios = [] if ratio is None else [ratio]
    return Result(name, kind, amount, seconds=[0.5], ratios=ratios, **fields)


def test_shares_are_over_the_first_which_was_measured_beside_each():
    measured = subject(
        "step",
        result("ours", "ours"),
        result("slow", ratio=2.0),
        result("limit", "limit", ratio=0.25, amount=1e9),
        demands={"limit": 3e9},
    )
    # Ours does 3e9 in the time in which the limit would do 1e9 four times.
    assert measured.share("ours", "limit") == pytest.approx(0.75)
    assert measured.share("slow", "limit") == pytest.approx(0.375)
    assert measured.share("slow", "ours") is None
    assert measured.share("nobody", "limit") is None
    assert measured.speed("ours") == 1.0 and measured.speed("slow") == 0.5


def test_the_fastest_of_a_kind_was_measured():
    results = [result("ours", "ours"), result("a", ratio=3.0), result("b", ratio=2.0)]
    measured = subject("step", *results, Result("c", failure="no wheel"))
    assert measured.fastest("peer") == "b"
    assert measured.fastest("limit") is None


def test_answers_are_compared_where_there_are_any():
    assert subject("inference").tolerance == 1e-4
    assert subject("step", precision="mixed_bfloat16").tolerance == 0.1
    assert subject("input").tolerance is None
