import subprocess
import sys

import pytest

from scripts.benchmarks.process_memory import PeakMemory, measure_command

MEGABYTES = 60
# Holds its bytes until stdin ends, and so does its child.
HOLDER = """
import subprocess, sys
held = bytearray(b"x" * (int(sys.argv[1]) << 20))
for code in sys.argv[2:]:
    child = [sys.executable, "-c", code, sys.argv[1]]
    subprocess.Popen(child, stdout=subprocess.PIPE).stdout.readline()
print("ready", flush=True)
sys.stdin.read()
"""


def test_memory_of_the_whole_tree_and_of_nothing_else_is_counted():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    command = [sys.executable, "-c", HOLDER, str(MEGABYTES), HOLDER]
    with subprocess.Popen(command, start_new_session=True, **pipes) as holder:
        assert holder.stdout.readline() == b"ready\n"
        peak = PeakMemory(holder.pid)
        peak.sample()
        held = peak.processes
    # Each holds its bytes and an interpreter; this test's own process is far larger.
    assert len(held) == 2
    assert all(MEGABYTES << 20 < part < (MEGABYTES + 40) << 20 for part in held)
    peak.sample()
    assert peak.processes == held  # a peak stays when memory falls


@pytest.mark.parametrize("start", ["run", "Popen"])
def test_processor_time_of_children_is_counted_waited_for_or_not(tmp_path, start):
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    code = (
        f"import subprocess, sys; subprocess.{start}([sys.executable, '-c', {burn!r}])"
    )
    usage = measure_command([sys.executable, "-c", code], tmp_path / "log")
    assert usage.processor_seconds >= 0.3
    assert usage.wall_seconds > 0


def test_a_command_that_fails_is_an_error_with_its_last_words(tmp_path):
    code = "raise SystemExit('the disk is on fire')"
    with pytest.raises(RuntimeError, match=r"failed \(1\).*\n.*disk is on fire"):
        measure_command([sys.executable, "-c", code], tmp_path / "log")
