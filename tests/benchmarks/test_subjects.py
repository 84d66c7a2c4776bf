import importlib.util

import pytest

from scripts.benchmarks import subjects
from scripts.benchmarks.system import TOLERANCES
from tests.benchmarks.conftest import OURS


@pytest.mark.parametrize("kind", subjects.SYSTEMS)
def test_the_first_is_ours_and_every_program_is_there(kind):
    names = [entry.name for entry in subjects.SYSTEMS[kind]]
    assert names[0] == "ours" and len({*names}) == len(names)
    for entry in subjects.SYSTEMS[kind]:
        assert importlib.util.find_spec(f"scripts.benchmarks.{entry.program}")


def test_steps_of_each_precision_and_size(settings):
    both = {"precisions": tuple(TOLERANCES), "batch_sizes": (2, 4)}
    found = list(subjects.subjects(settings(**both)))
    sizes = [(precision, batch) for precision in TOLERANCES for batch in (2, 4)]
    assert [(each.precision, each.batch_size) for each in found] == sizes
    wide, narrow = ({s.name: s for s in found[place].systems} for place in (1, 3))
    assert "ours in float32" not in wide
    assert narrow["ours in float32"].job["precision"] == "float32"
    assert narrow["ours"].job["precision"] == "mixed_bfloat16"
    assert wide["ours"].amount == 4
    assert wide["matrix product"].amount == pytest.approx(2 * 4096**3 / 1e9)
    assert wide["reading memory"].amount == pytest.approx(2**30 / 1e9)
    demands = [each.demands["matrix product"] for each in found]
    assert demands[1] == 2 * demands[0]


def test_the_named_are_taken_and_ours(settings):
    (found,) = subjects.subjects(settings(only=("stock Keras", "JAX")))
    assert [system.name for system in found.systems] == ["ours", "stock Keras", "JAX"]


def test_input_and_fit_know_their_files(settings, dataset):
    sizes = {"data": dataset, "batch_sizes": (8,)}
    (found,) = subjects.subjects(settings("input", **sizes))
    systems = {system.name: system for system in found.systems}
    job = systems["ours, uint8 crops of raw shards"].job
    assert job[job["data"]].endswith("raw") and job["calls"] == 4
    assert systems["tensorflow-datasets"].python == OURS != systems["FFCV"].python
    assert found.demands == {"libjpeg": 8}


def test_a_call_of_fit_is_of_all_its_steps(settings, dataset):
    (found,) = subjects.subjects(settings("fit", data=dataset, batch_sizes=(8,)))
    assert {system.amount for system in found.systems} == {8 * 20}
