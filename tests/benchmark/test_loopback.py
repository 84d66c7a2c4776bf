import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keras_alexnet.benchmark.loopback import OWN_LOOPBACK, loopback_bytes, started
from keras_alexnet.benchmark.traffic import data_parallel_bytes
from keras_alexnet.models.presets import find_preset
from tfrecords.errors import DatasetError

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "measure_traffic.py"
COUNTERS = """\
Inter-|   Receive                            |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs
  eth0: 11 1 0 0 0 0 0 0 12 1 0 0 0 0 0 0
    lo: 123456 7 0 0 0 0 0 0 654321 7 0 0 0 0 0 0
"""


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("measure_traffic", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their annotations up there
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_bytes_that_lo_sent_are_read():
    assert loopback_bytes(COUNTERS) == 654_321
    with pytest.raises(DatasetError, match="interface lo"):
        loopback_bytes(COUNTERS.replace("lo:", "wlan:"))


def test_projection_is_written_with_its_assumptions(script, tmp_path, capsys):
    path = tmp_path / "p.json"
    assert script.main(["--project", "--gpu-rate", "1000", "--json", str(path)]) == 0
    assert "not measured" in capsys.readouterr().out
    document = json.loads(path.read_text())
    assert document["assumed"]["gpu_rate"] == 1000
    rows = document["same_batch_a_gpu"]
    alone = [row for row in rows if row["machines"] * row["gpus"] == 1]
    assert [row["speed_up_all_hidden"] for row in alone] == [1.0]
    assert {"data parallel", "hybrid a", "hybrid b", "hybrid c"} == {
        row["way"] for row in rows
    }
    assert document["input_of_8_gpus"]["images_per_second"] == 8000
    sent = {(row["way"], row["devices"]): row["float32"] for row in document["bytes"]}
    assert sent["towers", 2] == 60_030_976  # half of what 256 images take
    assert sent["data parallel", 8] == 426_756_568
    assert sent["hybrid", 8] == 141_176_448


def test_a_batch_that_does_not_divide_is_an_error(script, monkeypatch, capsys):
    monkeypatch.setenv(OWN_LOOPBACK, "1")  # should it come to that: stay this process
    assert script.main(["--processes", "3", "--batch-size", "16"]) == 1
    assert "multiple of 3" in capsys.readouterr().err


def stand_in(body):
    """The command of a process that runs `body` and no TensorFlow."""
    return [sys.executable, "-c", f"import json, os, sys\n{body}"]


OBEDIENT = """
print(json.dumps({"ready": True}), flush=True)
place = json.loads(os.environ.get("TF_CONFIG", "{}")).get("task", {}).get("index", -1)
for line in sys.stdin:
    print(json.dumps({"steps": int(line), "place": place}), flush=True)
"""


def test_every_process_gets_the_order_and_its_place(tmp_path):
    with started(stand_in(OBEDIENT), 3, tmp_path, timeout=60) as group:
        assert group.train(7) == [{"steps": 7, "place": place} for place in range(3)]
        assert group.train(1)[2] == {"steps": 1, "place": 2}
    assert all(process.returncode is not None for process in group.processes)


def test_one_process_needs_no_cluster(tmp_path):
    with started(stand_in(OBEDIENT), 1, tmp_path, timeout=60) as group:
        assert group.train(2) == [{"steps": 2, "place": -1}]


def test_a_process_that_ends_early_is_an_error(tmp_path):
    failing = stand_in("sys.exit('no memory')")
    with pytest.raises(DatasetError, match="got 0: one ended early"):
        with started(failing, 2, tmp_path, timeout=60):
            pass
    assert "no memory" in (tmp_path / "1.log").read_text()


def test_a_process_that_is_never_ready_is_stopped(tmp_path):
    with pytest.raises(DatasetError, match="none was ready in time"):
        with started(stand_in("sys.stdin.read()"), 2, tmp_path, timeout=0.1):
            pass


@pytest.mark.slow
def test_two_processes_send_what_the_formula_says(tmp_path):
    network = {"num_classes": 10, "units": 256, "input_size": 67}
    options = [f"--{k.replace('_', '-')}={v}" for k, v in network.items()]
    options += ["--processes", "2", "--batch-size", "4", "--idle", "2"]
    options += ["--logs", tmp_path / "logs", "--json", tmp_path / "t.json"]
    result = subprocess.run(
        [sys.executable, SCRIPT, *options],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    document = json.loads((tmp_path / "t.json").read_text())
    figures = {(row["kind"], row["replicas"]): row for row in document["figures"]}
    preset = find_preset("released").replace(units=256, input_size=67)
    expected = sum(data_parallel_bytes(preset, 2, 10).values())
    workers = figures["multiworker", 2]
    assert workers["expected"] == expected
    if not document["own_loopback"]:
        pytest.skip("no network namespace: other programs use the loopback too")
    assert 1 < workers["measured"] / expected < 1.02
    assert figures["none", 1]["measured"] < 1000
    assert figures["mirrored", 2]["measured"] < 1000
    assert figures["towers", 1]["measured"] < 1000
