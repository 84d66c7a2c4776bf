import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest

from keras_alexnet import alexnet
from scripts.benchmarks import exports, gpu_subjects, ours
from scripts.benchmarks.answer import checked_answer
from scripts.benchmarks.gpu_subjects import QUICK, GpuSizes
from scripts.benchmarks.system import TOLERANCES
from scripts.benchmarks.system_process import ROOT
from tests.reference import relative


@pytest.fixture
def subjects(tmp_path):
    """All subjects of a size, by title, and the systems of each by name."""

    def all_of(sizes=QUICK, all_forms=False):
        first = [*gpu_subjects.compared_first(sizes, tmp_path / "weights.npz")]
        last = [*gpu_subjects.compared_last(sizes, all_forms)]
        return {s.title: {each.name: each for each in s.systems} for s in first + last}

    return all_of


@pytest.mark.parametrize("sizes", [GpuSizes(), QUICK])
def test_every_aim_is_about_systems_that_are_compared(subjects, sizes):
    found = subjects(sizes)
    for aim in gpu_subjects.gpu_aims(sizes):
        if aim.subject != "fit":
            batch = aim.batch_size
            systems = found[f"{aim.subject}, {aim.precision}, batch {batch}"]
            assert {aim.ours, aim.other} <= {*systems}, aim.text


def test_ours_is_compared_in_what_it_is_aimed_at_with(subjects):
    systems = subjects(GpuSizes())["step, float32, batch 128"]
    own, peer = systems["ours"].job, systems["PyTorch"].job
    assert (own["preset"], own["xla"], own["forms"]) == ("paper", True, None)
    assert own["side"] == peer["side"] == 224 and own["batch_size"] == 128
    assert systems["ours, released"].job["preset"] == "released"
    assert not systems["stock Keras"].job["xla"] and systems["ours"].amount == 128


def test_all_forms_are_all_combinations_with_xla_and_without(subjects):
    few = subjects()["inference, float32, batch 4"]
    assert [name.removeprefix("ours, ") for name in few] == [
        *("XLA, as chosen", "XLA, product_norm split_groups"),
        *("no XLA, as chosen", "no XLA, product_norm"),
    ]
    every = subjects(all_forms=True)["inference, float32, batch 4"]
    asked = {
        (each.job["xla"], *map(bool, (each.job["forms"] or {}).values()))
        for each in every.values()
    }
    combined = {(x, a, b) for x in (0, 1) for a in (0, 1) for b in (0, 1)}
    assert asked == combined | {(False,), (True,)}


def test_peers_that_are_not_there_are_named(subjects, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    systems = subjects()["step, float32, batch 4"]
    named = {name for name, each in systems.items() if each.failure == "not installed"}
    assert named == {"PyTorch", "torch.compile"}


def test_weights_are_those_of_the_network(tmp_path):
    gpu_subjects.write_weights(QUICK, tmp_path / "weights.npz")
    model = alexnet("paper", QUICK.classes, **QUICK.overrides)
    with np.load(tmp_path / "weights.npz") as weights:
        found = {name: weights[name].shape for name in weights}
        deviation = weights["conv3/kernel"].std() / (2 / (9 * 16)) ** 0.5
    assert found == {v.path: tuple(v.shape) for v in model.trainable_variables}
    # Of 2,304 drawn numbers the deviation is within 5 standard errors.
    assert abs(deviation - 1) < 5 / (2 * 2304) ** 0.5


@pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="no PyTorch here")
@pytest.mark.parametrize("preset", ["paper", "released"])
def test_pytorch_computes_what_ours_does(tmp_path, settings, preset):
    job = {**settings().job("step", "float32", 4), "preset": preset, "compile": False}
    job |= exports.write_network(job, tmp_path) | {"check": str(tmp_path / "found.npy")}
    (tmp_path / "job.json").write_text(json.dumps(job))
    # In one process with TensorFlow it crashes.
    module = [sys.executable, "-P", "-m", "scripts.benchmarks.peers.torch"]
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    subprocess.run([*module, tmp_path / "job.json"], check=True, env=environment)
    expected = checked_answer({"step": ours.step}, job)
    assert relative(np.load(job["check"]), expected) < TOLERANCES["float32"]
