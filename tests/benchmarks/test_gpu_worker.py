import io
import json
import subprocess
import sys

import pytest

from scripts.benchmarks import gpu_worker
from scripts.benchmarks.gpu_subjects import QUICK, compared_last

NATIVE = {"product_norm": False, "split_groups": False}


@pytest.fixture
def job():
    """A work in float32 of tiny sizes."""
    subjects = {each.title: each for each in compared_last(QUICK, False)}
    return subjects["forms, float32, batch 4"].systems[0].job


@pytest.mark.parametrize(
    "work", [pytest.param("step", marks=pytest.mark.slow), "answer"]
)
def test_a_work_computes_the_same_in_every_form(job, work):
    told = {**job, "work": work, "xla": False}
    chosen, peak = gpu_worker.prepare(told)
    native, _ = gpu_worker.prepare({**told, "forms": NATIVE})
    assert chosen() == pytest.approx(native(), rel=1e-4) and peak is None


def test_forms_are_those_that_are_asked_for(job, monkeypatch):
    from keras_alexnet.layers.kernel_forms import KernelForms, current_forms

    seen = []
    monkeypatch.setattr(gpu_worker, "step_of", lambda job: lambda: None)
    monkeypatch.setattr(
        gpu_worker, "done_once", lambda call: seen.append(current_forms())
    )
    gpu_worker.prepare({**job, "forms": {**NATIVE, "split_groups": True}})
    gpu_worker.prepare(job)
    assert seen == [KernelForms(split_groups=True), current_forms()]


def test_stock_keras_is_compiled_if_it_is_told_so(job, monkeypatch):
    from keras_alexnet.benchmark import step

    models = []
    monkeypatch.setattr(step, "repeated_step", lambda model, _: models.append(model))
    for xla in (True, False):
        gpu_worker.step_of({**job, "work": "stock", "xla": xla})
    assert [model.jit_compile for model in models] == [True, False]
    assert type(models[0].optimizer).__name__ == "SGD"


def test_memory_is_what_a_work_took_beside_what_was_there(job, monkeypatch):
    from keras_alexnet.benchmark import device

    peaks = iter([100, 130])
    monkeypatch.setattr(device, "peak_bytes", lambda: next(peaks))
    monkeypatch.setattr(gpu_worker, "step_of", lambda job: lambda: None)
    assert gpu_worker.prepare(job)[1] == 30


def test_orders_are_answered_and_a_new_subject_forgets_the_old(monkeypatch):
    orders = [
        {"subject": "x", "name": "a", "job": {"fails": False}},
        {"subject": "x", "name": "b", "job": {"fails": True}},
        {"subject": "x", "name": "a"},
        {"subject": "x", "name": "a"},
        {"subject": "y", "name": "a"},
    ]
    answers, made = [], []

    def prepare(job):
        if job["fails"]:
            raise MemoryError("too large")
        return "call", 5

    def mean_seconds(call):
        made.append(call)
        return lambda: 2.0

    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(map(json.dumps, orders))))
    monkeypatch.setattr(gpu_worker, "prepare", prepare)
    monkeypatch.setattr(gpu_worker, "mean_seconds", mean_seconds)
    monkeypatch.setattr(
        gpu_worker, "open_answers", lambda: lambda **told: answers.append(told)
    )
    with pytest.raises(KeyError):  # which ends the process
        gpu_worker.main()
    assert answers == [
        {"ready": {"peak_bytes": 5}},
        {"ready": {"error": "MemoryError: too large"}},
        {"seconds": 2.0},
        {"seconds": 2.0},
    ]
    assert made == ["call"]  # measured how often to repeat it once


def test_tensorflow_is_not_imported_for_pytorch():
    code = (
        "import sys, scripts.benchmarks.gpu_worker; print('tensorflow' in sys.modules)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
