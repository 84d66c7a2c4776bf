import subprocess
import sys

import pytest

from scripts.benchmarks import process_memory

MEGABYTES = 60
HOLDER = """
import subprocess, sys
held = bytearray(b"x" * ({mb} << 20))
child = None
if sys.argv[1] == "parent":
    child = subprocess.Popen([sys.executable, "-c", sys.argv[2], "child"],
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
print("ready", flush=True)
sys.stdin.read()
if child:
    child.communicate()
"""
BURNER = """
import subprocess, sys, time
code = "import time\\nwhile time.process_time() < 0.3: pass"
subprocess.run([sys.executable, "-c", code], check=True)
"""


@pytest.fixture
def holder():
    """A process and its child that hold 60 MB each until they are let go."""
    code = HOLDER.format(mb=MEGABYTES)
    process = subprocess.Popen(
        [sys.executable, "-c", code, "parent", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout.readline() == b"ready\n"
    yield process
    process.communicate()


def test_memory_of_the_whole_tree_and_of_nothing_else_is_counted(holder):
    peak = process_memory.PeakMemory(holder.pid)
    peak.sample()
    assert len(peak.processes) == 2
    # Each holds its bytes and an interpreter; this test's own process is far larger.
    assert all(MEGABYTES << 20 < p < (MEGABYTES + 40) << 20 for p in peak.processes)
    assert peak.kind == "PSS"


def test_memory_is_resident_where_shares_are_not_told(holder, monkeypatch):
    monkeypatch.setattr(process_memory, "_proportional", lambda pid: None)
    peak = process_memory.PeakMemory(holder.pid)
    peak.sample()
    assert peak.kind == "RSS"
    assert sum(peak.processes) > 2 * MEGABYTES << 20


def test_a_peak_stays_when_memory_falls(holder):
    peak = process_memory.PeakMemory(holder.pid)
    peak.sample()
    before = peak.processes
    holder.communicate()
    peak.sample()
    assert peak.processes == before


def test_processor_time_of_children_is_counted(tmp_path):
    usage = process_memory.measure_command(
        [sys.executable, "-c", BURNER], tmp_path / "log"
    )
    assert usage.processor_seconds >= 0.3
    assert usage.wall_seconds > 0


def test_a_command_that_is_over_before_the_first_look_has_a_peak(tmp_path, monkeypatch):
    monkeypatch.setattr(process_memory.PeakMemory, "sample", lambda self: None)
    usage = process_memory.measure_command(["true"], tmp_path / "log")
    assert usage.peak_bytes == usage.peak_processes[0] > 0
    assert usage.memory_kind == "RSS"


def test_a_command_that_fails_is_an_error_with_its_last_words(tmp_path):
    code = "raise SystemExit('the disk is on fire')"
    with pytest.raises(RuntimeError, match=r"failed \(1\).*\n.*disk is on fire"):
        process_memory.measure_command([sys.executable, "-c", code], tmp_path / "log")
