"""A command and all its processes, measured: seconds and memory (Linux)."""

import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

SECONDS_BETWEEN_SAMPLES = 0.05
_SET_CHILD_SUBREAPER = 36  # prctl(2): orphans of our children become ours
WORTH_A_LOOK = 1.01  # growth of the resident sum after which shares are read again


@dataclass(frozen=True)
class Usage:
    """What a command took, its processes included."""

    wall_seconds: float
    processor_seconds: float  # user and system time, also of orphans that it left
    peak_bytes: int  # largest PSS, pages shared by n processes counted as 1/n in each
    peak_processes: tuple[int, ...]  # that sum's terms: the command's own comes first


class PeakMemory:
    """The most memory that the processes of one session held together.

    Resident sizes cost next to nothing to read. Proportional ones cost milliseconds, on
    the cores that are measured: read only when the resident sum is a new highest.
    """

    def __init__(self, session: int):
        self._session = session
        self._highest_resident = 0.0
        self.processes: tuple[int, ...] = ()

    def sample(self) -> None:
        """Look once."""
        members = [pid for pid in psutil.pids() if self._is_member(pid)]
        resident = sum(held_bytes(pid) for pid in members)
        if resident > self._highest_resident * WORTH_A_LOOK:
            self._highest_resident = resident
            shares = {pid: held_bytes(pid, shared=False) for pid in members}
            if sum(shares.values()) > sum(self.processes):
                first = shares.pop(self._session, 0)
                self.processes = (first, *sorted(shares.values(), reverse=True))

    def _is_member(self, pid: int) -> bool:
        try:
            return os.getsid(pid) == self._session
        except OSError:  # it has ended
            return False


def held_bytes(pid: int, *, shared: bool = True) -> int:
    """Return the RSS of a process, or its PSS; 0 if it has ended."""
    try:
        process = psutil.Process(pid)
        return process.memory_info().rss if shared else process.memory_full_info().pss
    except psutil.Error:
        return 0


def measure_command(
    command: Sequence[str], log: Path, variables: dict[str, str] | None = None
) -> Usage:
    """Run a command to its end; `log` takes what it prints.

    Raises:
        RuntimeError: It failed; the text holds the end of what it printed.
    """
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1)
    start, null = time.monotonic(), subprocess.DEVNULL
    told = {"stdin": null, "stderr": subprocess.STDOUT, "env": variables}
    with open(log, "wb") as output:
        process = subprocess.Popen(
            command, stdout=output, start_new_session=True, **told
        )
    peak = PeakMemory(process.pid)
    try:
        with open(os.pidfd_open(process.pid)) as ended:
            peak.sample()
            while not select.select([ended], [], [], SECONDS_BETWEEN_SAMPLES)[0]:
                peak.sample()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    wall = time.monotonic() - start
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = f"{' '.join(command)} failed ({process.returncode})"
        raise RuntimeError(f"{said}:\n{log.read_text(errors='replace')[-2000:]}")
    processor = used.ru_utime + used.ru_stime + _orphans_seconds(process.pid)
    return Usage(wall, processor, sum(peak.processes), peak.processes)


def _orphans_seconds(session: int) -> float:
    """Wait for what a command left running; return its processor time.

    Such is the process that workers are forked from: nobody waits for it.
    """
    seconds = 0.0
    # Until there is none: each may leave others.
    while left := [
        x.pid for x in psutil.Process().children() if os.getsid(x.pid) == session
    ]:
        _, _, used = os.wait4(left[0], 0)
        seconds += used.ru_utime + used.ru_stime
    return seconds
