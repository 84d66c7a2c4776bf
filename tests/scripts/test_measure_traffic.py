import json
import os
import subprocess
import sys
from pathlib import Path

import measure_traffic
import pytest

from keras_alexnet.benchmark.loopback import OWN_LOOPBACK
from keras_alexnet.benchmark.traffic import data_parallel_bytes
from keras_alexnet.presets import find_preset

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "measure_traffic.py"


def test_a_batch_that_does_not_divide_is_an_error(monkeypatch, capsys):
    monkeypatch.setenv(OWN_LOOPBACK, "1")  # should it come to that: stay this process
    options = measure_traffic.MeasureOptions(processes=(3,), batch_size=16)
    assert measure_traffic.main(options) == 1
    assert "multiple of 3" in capsys.readouterr().err


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
