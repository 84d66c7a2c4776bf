import json
import subprocess
import sys
from pathlib import Path

import pytest
from profile_step import Kind, summarize

from tests import small

SCRIPT = Path(__file__).parents[2] / "scripts" / "profile_step.py"


def test_operations_are_added_up_by_kind():
    events = [
        ("model/conv1/Conv2D:_MklNativeConv2D", 0.5),
        ("model/conv2/Conv2D:_MklNativeConv2D", 0.25),
        ("norm/mul:Mul", 1.0),
        ("EagerLocalExecute: __inference_step", 9.0),
        ("ThreadpoolListener::Record", 9.0),
        ("no kind", 9.0),
    ]
    assert summarize(events) == [
        Kind("Mul", 1, 1.0),
        Kind("_MklNativeConv2D", 2, 0.75),
    ]


@pytest.mark.slow
def test_a_small_step_is_profiled(tmp_path):
    sizes = ["--input-size", small.INPUT, "--units", 16, "--classes", 3]
    sizes += ["--batch-size", 4, "--json", tmp_path / "profile.json"]
    command = [sys.executable, SCRIPT, *sizes]
    subprocess.run([str(part) for part in command], check=True, cwd=SCRIPT.parents[1])
    found = json.loads((tmp_path / "profile.json").read_text())
    kinds = {kind["name"]: kind["count"] for kind in found["operations"]}
    assert kinds["ResourceApplyKerasMomentum"] == 16  # a kernel and a bias of 8 layers
    total = sum(kind["seconds"] for kind in found["operations"])
    assert 0 < total <= found["step_seconds"]
