import os

import pytest

from scripts.benchmarks import system_process
from scripts.benchmarks.system import System
from scripts.benchmarks.system_process import SystemFailure, SystemProcess
from tests.benchmarks.conftest import OURS


def test_a_system_that_says_nothing_is_quoted_from_its_log(tmp_path):
    program = tmp_path / "dies.py"
    program.write_text("raise SystemExit('the disk is on fire')")
    dies = SystemProcess(System("dies", OURS, str(program), {}), tmp_path, [0])
    with pytest.raises(SystemFailure, match="ended with 1: the disk is on fire"):
        dies.ready()


def test_a_peer_is_run_from_our_root_and_not_from_its_folder():
    # Else peers/torch.py would be what it imports as torch.
    command = system_process.command("scripts.benchmarks.peers.torch", OURS)
    assert command == [str(OURS), "-P", "-m", "scripts.benchmarks.peers.torch"]
    variables = system_process.environment(3)
    assert variables["OMP_NUM_THREADS"] == "3"
    assert variables["CUDA_VISIBLE_DEVICES"] == "-1"
    assert (system_process.ROOT / "scripts" / "benchmarks").is_dir()
    assert variables["PYTHONPATH"] == str(system_process.ROOT)


def test_a_process_starts_on_its_cores_alone():
    usual = os.sched_getaffinity(0)
    core = max(usual)
    with system_process.on_cores([core]):
        assert os.sched_getaffinity(0) == {core}
    assert os.sched_getaffinity(0) == usual
