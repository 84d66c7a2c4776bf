import importlib.util

import pytest

from keras_alexnet.benchmark.operations import MATRIX_OPERATIONS
from scripts.benchmarks import limits, subjects
from tests.benchmarks.conftest import OURS


@pytest.mark.parametrize("kind", subjects.SYSTEMS)
def test_the_first_is_ours_and_every_program_is_there(kind):
    assert subjects.SYSTEMS[kind][0].name == subjects.OURS
    names = [entry.name for entry in subjects.SYSTEMS[kind]]
    assert len({*names}) == len(names)
    for entry in subjects.SYSTEMS[kind]:
        assert importlib.util.find_spec(f"scripts.benchmarks.{entry.program}")


def test_steps_of_each_precision_and_size(settings):
    both = {"precisions": subjects.PRECISIONS, "batch_sizes": (2, 4)}
    found = list(subjects.subjects("step", settings(**both)))
    assert [subject.title for subject in found] == [
        f"step, {precision}, batch {batch}"
        for precision in subjects.PRECISIONS
        for batch in (2, 4)
    ]
    wide, narrow = ({s.name: s for s in found[place].systems} for place in (1, 3))
    assert subjects.OURS_FLOAT32 not in wide
    assert narrow[subjects.OURS_FLOAT32].job["precision"] == "float32"
    assert narrow[subjects.OURS].job["precision"] == "mixed_bfloat16"
    assert wide[subjects.OURS].amount == 4
    assert wide[subjects.MATRIX].amount == MATRIX_OPERATIONS
    assert wide[subjects.MEMORY].amount == limits.READ_BYTES
    assert found[1].demands[subjects.MATRIX] == 2 * found[0].demands[subjects.MATRIX]


def test_the_named_are_taken_and_ours(settings):
    only = settings(only=(subjects.STOCK, subjects.JAX))
    (found,) = subjects.subjects("step", only)
    names = [system.name for system in found.systems]
    assert names == [subjects.OURS, subjects.STOCK, subjects.JAX]


def test_input_and_fit_know_their_files(settings, dataset):
    (found,) = subjects.subjects("input", settings(data=dataset, batch_sizes=(8,)))
    systems = {system.name: system for system in found.systems}
    assert systems[subjects.FFCV].absent == "ffcv does not install here: no wheel"
    assert systems[subjects.OURS].absent is None
    job = systems[subjects.OURS_RAW].job
    assert (job[job["data"]], job["calls"]) == (str(found.systems[0].job["raw"]), 4)
    assert systems[subjects.TORCHVISION].python == OURS
    assert found.demands == {subjects.LIBJPEG: 8}


def test_a_call_of_fit_is_of_all_its_steps(settings, dataset):
    (found,) = subjects.subjects("fit", settings(data=dataset, batch_sizes=(8,)))
    assert {system.amount for system in found.systems} == {8 * 20}
    assert found.demands == {}
