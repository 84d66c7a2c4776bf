"""What is left of a run on a GPU that fails in parts, or is cut."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_alexnet.record import Figure, Record
from scripts.benchmarks import gpu
from scripts.benchmarks.gpu import GpuOptions, GpuRun
from scripts.benchmarks.gpu_turns import NOT_REACHED
from tfrecords.errors import UserError

SCRIPT = Path(gpu.__file__).with_suffix(".sh")


@pytest.fixture
def run(tmp_path):
    """A run of tiny sizes, which writes `gpu.json`."""
    return GpuRun(GpuOptions(json=tmp_path / "gpu.json", quick=True), tmp_path)


@pytest.fixture
def written(tmp_path):
    """A function that tells what the file has: name, value, what is beside."""

    def read():
        figures = Record.load(tmp_path / "gpu.json").figures
        found = [(figure.name, figure.value, figure.beside) for figure in figures]
        aims = [each for each in found if ": aim: " in each[0]]
        # Each aim is there, whatever was measured of it.
        assert len(aims) == 8 and aims == found[-8:]
        assert {each[1:] for each in aims} == {(None, "not measured")}
        return found[:-8]

    return read


def test_a_part_that_fails_is_told_and_the_others_go_on(run, written):
    def fails():
        yield [Figure("rate", 7.0, "images/s")]
        raise ValueError("no kernel\nat all")

    def works():
        yield [Figure("bytes", 1)]
        yield [Figure("bytes", 1), Figure("status", 0)]

    run.take({"first": fails, "second": works})
    assert written() == [
        ("rate", 7.0, ""),
        ("first", None, "ValueError: no kernel"),
        ("bytes", 1, ""),
        ("status", 0, ""),
    ]


def test_a_run_that_is_cut_leaves_what_it_had(run, written):
    def cut():
        yield [Figure("rate", 7.0)]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.take({"first": cut, "second": cut})
    assert written() == [("rate", 7.0, ""), ("second", None, NOT_REACHED)]


def test_what_is_not_reached_in_time_is_named(run, written, monkeypatch):
    left = [60.0]
    monkeypatch.setattr(run, "left", lambda: left[0])

    def long():
        left[0] = gpu.LEAST_SECONDS / 2
        yield [Figure("rate", 7.0)]

    run.take({"first": long, "second": long})
    assert written() == [("rate", 7.0, ""), ("second", None, NOT_REACHED)]


def test_an_aim_that_was_measured_is_told_once(run):
    aim = "step, float32, batch 4: aim: ours: ≥ 2.00 × the speed of stock Keras"

    def measured():
        yield [Figure(aim, 2.5, "", "met")]

    run.take({"first": measured})
    found = [f for f in run.record().figures if ": aim: " in f.name]
    assert len(found) == 8 and [f.value for f in found if f.name == aim] == [2.5]


def test_the_important_parts_come_first(run):
    titles = [*run.parts()]
    assert titles[0] == "machine" and titles[4:7] == ["fit", "towers", "layer tests"]
    assert titles[1:4] == [
        "step, float32, batch 4",
        "step, mixed_bfloat16, batch 4",
        "step, mixed_bfloat16, batch 6",
    ]
    assert len(titles) == 14


def test_a_record_says_whether_a_gpu_was_there(run):
    assert run.record().notes == ("Not run on a GPU: there is none.",)
    found = {"type": "GPU", "name": "GPU:0", "compute_capability": [9, 0]}
    run._checks.machine["devices"] = [{"type": "CPU", "name": "CPU:0"}, found]
    record = run.record()
    assert "TF32" in record.notes[0] and record.machine["devices"][1] == found
    assert record.machine["processor"] and record.subject == "gpu"


def test_no_time_is_refused():
    with pytest.raises(UserError, match="minutes > 0"):
        gpu.measure(GpuOptions(minutes=0))


def test_the_script_hands_its_options_on(tmp_path):
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True)
    assert done.returncode == 0 and "--all-forms" in done.stdout


@pytest.mark.slow
def test_all_of_it_runs_on_a_cpu(tmp_path):
    path = tmp_path / "gpu.json"
    command = [SCRIPT, path, "--quick", "--rounds", "1", "--minutes", "20"]
    subprocess.run(command, check=True, env={**os.environ, "PYTHON": sys.executable})
    assert str(tmp_path) not in path.read_text()
    record = Record.load(path)
    missing = {f.name: f.beside for f in record.figures if f.value is None}
    peers = [name for name in missing if "orch" in name]  # and their aims
    # A CPU has no kernels for groups in float16 that are not split.
    known = {"GPU", "forms, mixed_float16, batch 4: ours, no XLA, product_norm"}
    assert {*missing} - {*peers} <= known
    assert record.value("towers: exit status") == 0
    assert record.value("towers: what crosses in a step") > 0
    aims = [f for f in record.figures if ": aim: " in f.name]
    assert len(aims) == 8 and {f.beside for f in aims} <= {
        *("met", "missed", "not measured"),
    }
    assert json.loads(path.read_text())["notes"] == ["Not run on a GPU: there is none."]
