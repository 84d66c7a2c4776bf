import json
import os

import pytest

from scripts.benchmarks.system import System
from scripts.benchmarks.system_process import ROOT, SystemFailure, SystemProcess
from tests.benchmarks.conftest import OURS


def test_a_system_that_says_nothing_is_quoted_from_its_log(fake, tmp_path):
    program = tmp_path / "dies.py"
    program.write_text("raise SystemExit('the disk is on fire')")
    dies = SystemProcess(System("dies", OURS, str(program), {}), tmp_path, [0])
    with pytest.raises(SystemFailure, match="ended with 1: the disk is on fire"):
        dies.answer("ready")
    waits = SystemProcess(fake("waits", silent=True), tmp_path, [0], timeout=0.2)
    with pytest.raises(SystemFailure, match="no answer within 0.2 s"):
        waits.answer("ready")


def test_a_process_has_its_cores_our_code_and_no_gpu(tmp_path):
    program = tmp_path / "tells.py"
    program.write_text(
        "import json, os, sys\n"
        "told = [*os.sched_getaffinity(0)], dict(os.environ), sys.path\n"
        "print(json.dumps({'ready': told}))\n"
    )
    usual = os.sched_getaffinity(0)
    tells = SystemProcess(
        System("tells", OURS, str(program), {"a": 1}), tmp_path, [max(usual)]
    )
    cores, variables, path = tells.answer("ready")["ready"]
    tells.kill()
    assert cores == [max(usual)] and os.sched_getaffinity(0) == usual
    assert variables["OMP_NUM_THREADS"] == "1"
    assert variables["CUDA_VISIBLE_DEVICES"] == "-1"
    # Not the program's own folder: peers/torch.py would be what it imports as torch.
    assert str(ROOT) in path and str(tmp_path) not in path
    assert (ROOT / "scripts" / "benchmarks").is_dir()
    assert json.loads((tmp_path / "tells.json").read_text()) == {"a": 1}


def test_a_process_is_told_words_and_its_time_may_be_changed(tmp_path):
    program = tmp_path / "echo.py"
    program.write_text(
        "import json, sys\n"
        "for line in sys.stdin:\n"
        "    print(json.dumps({'seconds': len(line.split())}), flush=True)\n"
        "    if 'silent' in line:\n"
        "        sys.stdout = None\n"
    )
    echo = SystemProcess(System("echo", OURS, str(program), {}), tmp_path, [0])
    assert echo.run("one two") == 2 and echo.run() == 1 and echo.run("be silent") == 2
    echo.timeout = 0.2
    with pytest.raises(SystemFailure, match="no answer within 0.2 s"):
        echo.run()
