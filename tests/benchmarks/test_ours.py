import numpy as np
import pytest

from scripts.benchmarks import exports, ours
from scripts.benchmarks.answer import checked_answer
from scripts.benchmarks.peers import stock_keras
from tests import small
from tests.reference import network_bound, relative


@pytest.fixture
def job(tmp_path, settings):
    job = {**settings().job("step", "float32", 2), "classes": 3}
    return job | exports.write_network(job, tmp_path)


def test_our_logits_after_steps_are_those_of_stock_keras(job):
    found, expected = (
        checked_answer({"step": module.step}, job) for module in (ours, stock_keras)
    )
    assert found.shape == (8, 3)
    # Forward twice and backward twice.
    limit = 4 * network_bound("float32", small.TERMS, steps=20)
    assert relative(found, expected) < limit


def test_our_served_answer_is_a_probability(job, tmp_path):
    exports.write_run(job, tmp_path / "run")
    told = {"subject": "inference", "runtime": "tensorflow"}
    told = {**job, **told, "run": str(tmp_path / "run")}
    found = checked_answer({"inference": ours.inference}, told)
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-6)


def test_bare_libjpeg_decodes_a_batch_of_files_again_and_again(tmp_path, monkeypatch):
    small.write_tree(tmp_path, 1)
    monkeypatch.setattr(ours.input_, "use_one_core", lambda: None)
    monkeypatch.setattr(ours.input_, "libjpeg", lambda encoded: encoded)
    told = {"data": "tree", "tree": str(tmp_path), "calls": 7, "batch_size": 4}
    task = ours.input(told)
    task.before()
    files = [path.read_bytes() for path in sorted(tmp_path.glob("*/*"))]
    assert task.work() == [files[1], files[2], files[0], files[1]]
    assert task.calls == 7
