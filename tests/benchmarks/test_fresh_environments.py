import sys
from pathlib import Path

import pytest

from scripts.benchmarks import fresh_environments
from scripts.benchmarks.fresh_environments import FreshOptions
from tests import small
from tfrecords.errors import UserError


def test_the_programs_answers_are_those_of_predict(run, tmp_path, monkeypatch):
    tree = small.write_tree(tmp_path / "tree", per_class=2)
    asked = []

    def here(folder, packages):
        asked.append(packages)
        return Path(sys.executable)

    monkeypatch.setattr(fresh_environments, "new_environment", here)
    options = FreshOptions(run, tree, count=3, formats=("onnx", "safetensors"))
    first, second = fresh_environments.measure(options).figures
    assert (first.name, first.value) == ("onnx: same class", 3)
    assert second.value.startswith("conv") and "float32" in second.value
    assert asked == [["onnxruntime", "pillow"], ["safetensors", "numpy"]]


def test_a_program_that_fails_is_told(tmp_path):
    with pytest.raises(UserError, match="failed: NameError: name 'x' is not defined"):
        fresh_environments.run_program(
            Path(sys.executable), "x\n", tmp_path, [Path(__file__)]
        )


def test_an_environment_is_made_of_the_packages(tmp_path, monkeypatch):
    called = []
    monkeypatch.setattr(fresh_environments.venv, "create", lambda *a, **k: None)
    monkeypatch.setattr(
        fresh_environments.subprocess, "run", lambda words, check: called.append(words)
    )
    python = fresh_environments.new_environment(tmp_path, ["keras-alexnet", "pillow"])
    (words,) = called
    assert words[-2:] == [str(fresh_environments.ROOT), "pillow"] and python in map(
        Path, words
    )
