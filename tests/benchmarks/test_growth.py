import pytest

from scripts.benchmarks import growth
from scripts.benchmarks.growth import GrowthOptions


def test_a_line_is_projected():
    values = {count: 3.0 + 2e-5 * count for count in (1000, 10_000, 100_000)}
    there, constant, slope = growth.projected(values, 1_000_000)
    assert (there, constant, slope) == pytest.approx((23.0, 3.0, 2e-5))


def test_every_number_of_pictures_is_measured_and_what_shrinks_is_not_projected(
    monkeypatch,
):
    seen = []

    def costs(tree, folder):
        count = len([path for path in tree.rglob("*") if path.is_file()])
        seen.append(count)
        return {"build, seconds": 1.0 + count, "build, memory": 100 - count}

    monkeypatch.setattr(growth, "_costs", costs)
    record = growth.measure(GrowthOptions(pictures=(10, 20)))
    assert seen == [10, 20]
    assert record.value("build, seconds, 20 pictures") == 21.0
    assert record.value("build, seconds, 1,281,167 pictures") == pytest.approx(1281168)
    assert record.value("build, memory, 1,281,167 pictures") == 90
    units = {figure.unit for figure in record.figures if "memory" in figure.name}
    assert units == {"MB"}


@pytest.mark.slow
def test_what_is_measured_runs(run_script):
    record = run_script(growth, "--pictures", 200)
    assert [figure.name for figure in record.figures] == [
        f"{what}, 200 pictures"
        for what in (
            *("build, seconds", "build, memory"),
            *("statistics, seconds", "statistics, memory"),
            *("pipeline, memory", "pipeline, first batch", "pipeline, epoch"),
            *("train, to its first step, seconds", "train, to its first step, memory"),
            "checkpoint",
        )
    ]
    assert all(figure.value > 0 for figure in record.figures)
