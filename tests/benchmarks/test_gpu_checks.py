import json
import subprocess

import numpy as np
import pytest
from PIL import Image

from keras_alexnet.record import Figure, Record
from scripts.benchmarks import gpu_checks
from scripts.benchmarks.gpu_checks import Checks
from scripts.benchmarks.gpu_subjects import QUICK

GPU = {"type": "GPU", "name": "GPU:0", "device_name": "H", "compute_capability": [9, 0]}


@pytest.fixture
def checks(tmp_path, monkeypatch):
    """Checks whose commands print and write this, and end with this status."""

    def make(told=None, status=0, printed="", left=60.0):
        checks = Checks(tmp_path, QUICK, lambda: left, {})
        asked = []

        def command(*words, **more):
            asked.append(([*map(str, words)], more))
            if told is not None and "--json" in words:
                words[-1].write_text(json.dumps(told))
            return subprocess.CompletedProcess(words, status, printed, "")

        monkeypatch.setattr(checks, "command", command)
        return checks, asked

    return make


def record(**rates):
    figures = [Figure(name.replace("_", " "), rate) for name, rate in rates.items()]
    values = vars(Record.now("fit", "Training", figures))
    return {**values, "figures": [vars(figure) for figure in figures]}


def test_fit_is_judged_by_the_step_alone(checks):
    ours, asked = checks(record(fit=70.0, step_alone=100.0, copy_to_the_GPU=500.0))
    (figures,) = ours.fit()
    values = {figure.name: (figure.value, figure.beside) for figure in figures}
    title = "fit, mixed_bfloat16, batch 4"
    assert values[f"{title}: ours"][0] == pytest.approx(70)
    assert values[f"{title}: ours, step alone"][0] == pytest.approx(100)
    aim = f"{title}: aim: ours: ≥ 0.80 × the speed of ours, step alone"
    assert values[aim] == (pytest.approx(0.7), "missed")
    assert values["copy to the GPU"][0] == 500
    (build, _), (fit, _) = asked
    assert "raw" in build and build[:4] == [
        "-m",
        "keras_alexnet",
        "build",
        fit[4][:-4] + "tree",
    ]
    assert ["--batch-size", "4"] == fit[fit.index("--batch-size") :][:2]


def test_a_build_that_fails_says_its_last_line(checks):
    ours, _ = checks(status=1, printed="first\nno room\n")
    with pytest.raises(RuntimeError, match="^no room$"):
        next(ours.fit())


def test_towers_tell_status_bytes_and_what_is_wrong(checks):
    told = {"sums": {"exchanged": 60_030_976}, "wrong": []}
    status, crossing = next(checks(told)[0].towers())
    assert (status.value, status.beside) == (0, "all is where it was planned")
    assert (crossing.value, crossing.unit) == (60_030_976, "bytes")
    status, _ = next(checks({**told, "wrong": ["a", "b"]}, status=1)[0].towers())
    assert (status.value, status.beside) == (1, "a; b")


def test_a_command_that_writes_nothing_says_its_last_line(checks):
    ours, _ = checks(status=1, printed="out of memory")
    (ours.folder / "written.json").write_text("of the command before")
    with pytest.raises(RuntimeError, match="out of memory"):
        next(ours.towers())


def test_layer_tests_that_fail_are_named_and_float32_is_no_tf32(checks):
    told = (
        "..F\nFAILED tests/a.py::test_b - AssertionError\n1 failed, 12 passed in 3s\n"
    )
    ours, asked = checks(status=1, printed=told)
    ((found,),) = ours.layer_tests()
    assert (found.value, found.unit) == (12, "passed")
    assert found.beside == "1 failed, 12 passed in 3s, tests/a.py::test_b"
    assert asked[0][1] == {"NVIDIA_TF32_OVERRIDE": "0"} and QUICK.tests in asked[0][0]
    with pytest.raises(RuntimeError, match="no tests ran"):
        next(checks(printed="no tests ran in 0.01s")[0].layer_tests())


def test_layer_tests_need_pytest(checks, monkeypatch):
    monkeypatch.setattr(gpu_checks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(RuntimeError, match="pytest is not installed"):
        next(checks()[0].layer_tests())


@pytest.mark.parametrize("gpus", [[GPU], []])
def test_the_machine_is_described(checks, gpus, monkeypatch):
    monkeypatch.setattr(gpu_checks, "_driver", lambda: "580.1")
    ours, _ = checks({"devices": gpus, "tensorflow": "cannot be imported: no"})
    ((found,),) = ours.describe()
    if gpus:
        assert (found.name, found.value) == ("GPU:0", "H")
        assert found.beside == "compute capability 9.0, driver 580.1"
    else:
        assert found.value is None
        assert found.beside == "there is none; TensorFlow cannot be imported: no"
    assert ours.machine["devices"] == gpus and ours.machine["driver"] == "580.1"


def test_a_command_is_ended_when_the_time_is_over(tmp_path):
    checks = Checks(tmp_path, QUICK, lambda: 0.2, {})
    with pytest.raises(subprocess.TimeoutExpired):
        checks.command("-c", "import threading; threading.Event().wait()")


def test_pictures_are_what_a_build_takes(tmp_path):
    gpu_checks.write_pictures(tmp_path, 3)
    pictures = sorted(tmp_path.glob("*/*.png"))
    assert [path.parent.name for path in pictures] == ["a", "a", "b"]
    first, second, _ = (np.asarray(Image.open(path)) for path in pictures)
    assert (
        first.shape == (256, 256, 3) and np.abs(first - second.astype(int)).max() > 50
    )
